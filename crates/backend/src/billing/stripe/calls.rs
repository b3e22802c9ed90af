//! The API calls for customers, subscriptions, invoices and the portal, one method each.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use stripe::StripeRequest;
use stripe_billing::billing_portal_session::{
    CreateBillingPortalSession, CreateBillingPortalSessionFlowData,
    CreateBillingPortalSessionFlowDataAfterCompletion,
    CreateBillingPortalSessionFlowDataAfterCompletionRedirect,
    CreateBillingPortalSessionFlowDataAfterCompletionType, CreateBillingPortalSessionFlowDataType,
};
use stripe_billing::invoice::{ListInvoice, RetrieveInvoice};
use stripe_billing::invoice_payment::{
    ListInvoicePayment, ListInvoicePaymentPayment, ListInvoicePaymentPaymentType,
};
use stripe_billing::subscription::{
    CancelSubscription, ListSubscription, ListSubscriptionStatus, RetrieveSubscription, UpdateSubscription,
    UpdateSubscriptionItems, UpdateSubscriptionProrationBehavior,
};
use stripe_core::customer::{CreateCustomer, DeleteCustomer, RetrieveCustomer, UpdateCustomer};
use stripe_shared::InvoiceStatus;
use tracking::UserId;

use super::{PAGE, StripeCallError, StripeClient};
use crate::billing::payload::{Invoice, PayloadError, Subscription};

impl StripeClient {
    /// Creates the account's customer and returns its ID. Idempotent for each account.
    pub(in crate::billing) async fn create_customer(
        &self,
        account: UserId,
        email: &str,
    ) -> Result<String, StripeCallError> {
        let request = CreateCustomer::new()
            .email(email)
            .metadata(HashMap::from([("seam_user".to_owned(), account.to_string())]));
        let response = self.change(&format!("customer:{account}"), &request).await?;
        text(&response, "customer", "id")
    }

    /// Sets the customer's address. Does nothing if Stripe has no such customer any more.
    pub(in crate::billing) async fn set_customer_email(
        &self,
        customer: &str,
        email: &str,
        key: &str,
    ) -> Result<(), StripeCallError> {
        match self
            .change(key, &UpdateCustomer::new(customer).email(email))
            .await
        {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes the customer, which ends its subscriptions at once (API reference, "Delete a customer").
    pub(in crate::billing) async fn delete_customer(&self, customer: &str) -> Result<(), StripeCallError> {
        match self
            .change(&format!("delete:{customer}"), &DeleteCustomer::new(customer))
            .await
        {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }

    pub(in crate::billing) async fn subscription(&self, id: &str) -> Result<Value, StripeCallError> {
        self.get(&RetrieveSubscription::new(id)).await
    }

    /// Whether the customer has a default payment method.
    pub(in crate::billing) async fn has_card(&self, customer: &str) -> Result<bool, StripeCallError> {
        let customer = self.get(&RetrieveCustomer::new(customer)).await?;
        Ok(!customer["invoice_settings"]["default_payment_method"].is_null()
            || !customer["default_source"].is_null())
    }

    /// All current and ended subscriptions of a customer. Empty for a deleted customer.
    pub(in crate::billing) async fn subscriptions(
        &self,
        customer: &str,
    ) -> Result<Vec<Value>, StripeCallError> {
        let page = |after: Option<String>| {
            let request = ListSubscription::new()
                .customer(customer)
                .status(ListSubscriptionStatus::All)
                .limit(PAGE);
            match after {
                Some(after) => request.starting_after(after),
                None => request,
            }
        };
        match self.all(page).await {
            Err(error) if error.is_missing() => Ok(Vec::new()),
            result => result,
        }
    }

    /// The paid invoices of a subscription, in no order, including those with a zero amount.
    pub(in crate::billing) async fn paid_invoices(
        &self,
        subscription: &str,
    ) -> Result<Vec<Value>, StripeCallError> {
        self.all(|after: Option<String>| {
            let request = ListInvoice::new()
                .subscription(subscription)
                .status(InvoiceStatus::Paid)
                .limit(PAGE);
            match after {
                Some(after) => request.starting_after(after),
                None => request,
            }
        })
        .await
    }

    /// The invoice of a payment, if any.
    pub(in crate::billing) async fn invoice_of_payment(
        &self,
        payment_intent: &str,
    ) -> Result<Option<Invoice>, StripeCallError> {
        let mut payment = ListInvoicePaymentPayment::new(ListInvoicePaymentPaymentType::PaymentIntent);
        payment.payment_intent = Some(payment_intent.to_owned());
        let response = self.get(&ListInvoicePayment::new().payment(payment)).await?;
        let Some(invoice) = response["data"][0]["invoice"].as_str() else {
            return Ok(None);
        };
        Ok(Some(Invoice::read(
            &self.get(&RetrieveInvoice::new(invoice)).await?,
        )?))
    }

    /// Schedules the end with the current period and sets the metadata, in one call and so in one webhook.
    pub(in crate::billing) async fn schedule_cancellation(
        &self,
        key: &str,
        subscription: &Subscription,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), StripeCallError> {
        let request = UpdateSubscription::new(&*subscription.id)
            .cancel_at_period_end(true)
            .metadata(metadata.into_iter().collect::<HashMap<_, _>>());
        self.change(key, &request).await.map(drop)
    }

    /// Undoes a scheduled cancellation. If only `cancel_at` is set (a portal with flexible billing does this), the
    /// field is sent empty, which async-stripe's builder does not support.
    pub(in crate::billing) async fn undo_cancellation(
        &self,
        key: &str,
        subscription: &Subscription,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), StripeCallError> {
        let request = UpdateSubscription::new(&*subscription.id)
            .metadata(metadata.into_iter().collect::<HashMap<_, _>>());
        let build = || {
            if subscription.cancel_at_period_end {
                return request.clone().cancel_at_period_end(false).build();
            }
            let mut built = request.build();
            built.body.get_or_insert_default().push_str("&cancel_at=");
            built
        };
        self.change_built(key, build).await.map(drop)
    }

    /// Changes the price at once. A new period starts and is billed; nothing is credited.
    pub(in crate::billing) async fn change_price(
        &self,
        key: &str,
        subscription: &Subscription,
        price: &str,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), StripeCallError> {
        let mut item = UpdateSubscriptionItems::new();
        let changed = subscription.terms.items.first();
        item.id = Some(changed.map(|item| item.id.clone()).ok_or(PayloadError {
            object: "subscription",
            field: "items.data.id",
        })?);
        item.price = Some(price.to_owned());
        let request = UpdateSubscription::new(&*subscription.id)
            .items(vec![item])
            .proration_behavior(UpdateSubscriptionProrationBehavior::None)
            .metadata(metadata.into_iter().collect::<HashMap<_, _>>());
        self.change(key, &request).await.map(drop)
    }

    /// Cancels the subscription immediately.
    pub(in crate::billing) async fn cancel_now(&self, subscription: &str) -> Result<(), StripeCallError> {
        match self
            .change(
                &format!("end:{subscription}"),
                &CancelSubscription::new(subscription),
            )
            .await
        {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }

    /// Creates a portal session and returns its URL. With `add_card`, the portal opens its card form and returns from
    /// there.
    pub(in crate::billing) async fn open_portal(
        &self,
        key: &str,
        customer: &str,
        configuration: &str,
        return_url: &str,
        add_card: bool,
    ) -> Result<String, StripeCallError> {
        let mut request = CreateBillingPortalSession::new()
            .customer(customer)
            .configuration(configuration)
            .return_url(return_url);
        if add_card {
            let mut after = CreateBillingPortalSessionFlowDataAfterCompletion::new(
                CreateBillingPortalSessionFlowDataAfterCompletionType::Redirect,
            );
            after.redirect = Some(CreateBillingPortalSessionFlowDataAfterCompletionRedirect::new(
                return_url,
            ));
            let mut flow = CreateBillingPortalSessionFlowData::new(
                CreateBillingPortalSessionFlowDataType::PaymentMethodUpdate,
            );
            flow.after_completion = Some(after);
            request = request.flow_data(flow);
        }
        text(&self.change(key, &request).await?, "portal session", "url")
    }
}

fn text(object: &Value, name: &'static str, field: &'static str) -> Result<String, StripeCallError> {
    let text = object[field].as_str().map(str::to_owned);
    text.ok_or(StripeCallError::Payload(PayloadError { object: name, field }))
}
