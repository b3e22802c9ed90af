//! The API calls for customers, subscriptions, invoices and the portal, one method each.

use std::collections::{BTreeMap, HashMap};

use forms::Email;
use serde_json::Value;
use sha2::{Digest, Sha256};
use stripe_billing::billing_portal_session::{
    CreateBillingPortalSession, CreateBillingPortalSessionFlowData,
    CreateBillingPortalSessionFlowDataAfterCompletion,
    CreateBillingPortalSessionFlowDataAfterCompletionRedirect,
    CreateBillingPortalSessionFlowDataAfterCompletionType, CreateBillingPortalSessionFlowDataType,
};
use stripe_billing::invoice::ListInvoice;
use stripe_billing::invoice_payment::{
    ListInvoicePayment, ListInvoicePaymentPayment, ListInvoicePaymentPaymentType,
};
use stripe_billing::subscription::{
    CancelSubscription, ListSubscription, ListSubscriptionStatus, ResumeSubscription, RetrieveSubscription,
    UpdateSubscription, UpdateSubscriptionItems, UpdateSubscriptionProrationBehavior,
};
use stripe_client_core::StripeRequest;
use stripe_core::customer::{
    CreateCustomer, DeleteCustomer, RetrieveCustomer, SearchCustomer, UpdateCustomer,
};
use stripe_shared::InvoiceStatus;
use tracking::UserId;

use super::{PAGE, StripeCallError, StripeClient};
use crate::billing::payload::{PayloadError, Subscription};
use crate::hex;

/// The subscriptions of a customer.
pub(in crate::billing) struct ListedSubscriptions {
    /// Stripe's JSON. The customer is its ID, so that our copy has no address.
    pub(in crate::billing) objects: Vec<Value>,
    /// Whether the customer has a default payment method; `None` without subscriptions.
    pub(in crate::billing) has_card: Option<bool>,
}

/// Whose invoices to list.
#[derive(Clone, Copy, Debug)]
pub(in crate::billing) enum InvoiceOwner<'a> {
    Customer(&'a str),
    Subscription(&'a str),
}

impl StripeClient {
    /// The account's customers that Stripe has not deleted: created by an attempt whose response was lost. Empty where Stripe
    /// offers no search. A customer can be missing in its first minute.
    pub(in crate::billing) async fn customers_of(
        &self,
        account: UserId,
    ) -> Result<Vec<String>, StripeCallError> {
        let response = match self
            .get(&SearchCustomer::new(format!("metadata['seam_user']:'{account}'")))
            .await
        {
            Err(StripeCallError::Rejected { .. }) => return Ok(Vec::new()),
            response => response?,
        };
        let customers = response["data"].as_array().into_iter().flatten();
        Ok(customers
            .filter_map(|customer| customer["id"].as_str().map(str::to_owned))
            .collect())
    }

    /// Creates the account's customer and returns its ID. Idempotent for each account, address, and number of customers
    /// that the account had before: Stripe refuses a key with other contents for a day, and under the key of a deleted
    /// customer it would return that one again.
    pub(in crate::billing) async fn create_customer(
        &self,
        account: UserId,
        email: &str,
        deleted: usize,
    ) -> Result<String, StripeCallError> {
        let request = CreateCustomer::new()
            .email(Email::delivery_of(email))
            .metadata(HashMap::from([("seam_user".to_owned(), account.to_string())]));
        let address = hex::encode(&Sha256::digest(Email::delivery_of(email))[..8]);
        let key = format!("customer:{account}:{deleted}:{address}");
        let response = self.change(&key, &request).await?;
        text(&response, "customer", "id")
    }

    /// Whether Stripe has deleted the customer. Fails if the customer never existed for this key.
    pub(in crate::billing) async fn is_customer_deleted(
        &self,
        customer: &str,
    ) -> Result<bool, StripeCallError> {
        Ok(self.get(&RetrieveCustomer::new(customer)).await?["deleted"] == true)
    }

    /// Sets the customer's address. Does nothing if Stripe has no such customer any more.
    pub(in crate::billing) async fn set_customer_email(
        &self,
        customer: &str,
        email: &str,
        key: &str,
    ) -> Result<(), StripeCallError> {
        match self
            .change(
                key,
                &UpdateCustomer::new(customer).email(Email::delivery_of(email)),
            )
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

    /// All current and ended subscriptions of a customer, and its card. `None` if Stripe has no such customer any more.
    pub(in crate::billing) async fn subscriptions(
        &self,
        customer: &str,
    ) -> Result<Option<ListedSubscriptions>, StripeCallError> {
        let page = |after: Option<String>| {
            let request = ListSubscription::new()
                .customer(customer)
                .status(ListSubscriptionStatus::All)
                .expand(["data.customer".to_owned()])
                .limit(PAGE);
            match after {
                Some(after) => request.starting_after(after),
                None => request,
            }
        };
        let Some(mut objects) = found(self.all(page).await)? else {
            return Ok(None);
        };
        let mut has_card = None;
        for object in &mut objects {
            let customer = std::mem::replace(&mut object["customer"], customer.into());
            has_card = Some(
                !customer["invoice_settings"]["default_payment_method"].is_null()
                    || !customer["default_source"].is_null(),
            );
        }
        Ok(Some(ListedSubscriptions { objects, has_card }))
    }

    /// The paid invoices with their payments, in no order, including those with a zero amount. `None` if Stripe has no
    /// such owner any more.
    pub(in crate::billing) async fn paid_invoices(
        &self,
        owner: InvoiceOwner<'_>,
    ) -> Result<Option<Vec<Value>>, StripeCallError> {
        let page = |after: Option<String>| {
            let request = ListInvoice::new()
                .status(InvoiceStatus::Paid)
                .expand(["data.payments".to_owned()])
                .limit(PAGE);
            let request = match owner {
                InvoiceOwner::Customer(id) => request.customer(id),
                InvoiceOwner::Subscription(id) => request.subscription(id),
            };
            match after {
                Some(after) => request.starting_after(after),
                None => request,
            }
        };
        found(self.all(page).await)
    }

    /// The customer of an invoice's payment. `None` for a payment of no invoice.
    pub(in crate::billing) async fn customer_of_payment(
        &self,
        payment_intent: &str,
    ) -> Result<Option<String>, StripeCallError> {
        let mut payment = ListInvoicePaymentPayment::new(ListInvoicePaymentPaymentType::PaymentIntent);
        payment.payment_intent = Some(payment_intent.to_owned());
        let request = ListInvoicePayment::new()
            .payment(payment)
            .expand(["data.invoice".to_owned()]);
        let response = self.get(&request).await?;
        Ok(response["data"][0]["invoice"]["customer"]
            .as_str()
            .map(str::to_owned))
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

    /// Resumes a paused subscription: a new period starts and is billed.
    pub(in crate::billing) async fn resume_paused(
        &self,
        key: &str,
        subscription: &str,
    ) -> Result<(), StripeCallError> {
        self.change(key, &ResumeSubscription::new(subscription))
            .await
            .map(drop)
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

/// `None` if the object does not exist.
fn found<T>(result: Result<T, StripeCallError>) -> Result<Option<T>, StripeCallError> {
    match result {
        Err(error) if error.is_missing() => Ok(None),
        result => result.map(Some),
    }
}

fn text(object: &Value, name: &'static str, field: &'static str) -> Result<String, StripeCallError> {
    let text = object[field].as_str().map(str::to_owned);
    text.ok_or(StripeCallError::Payload(PayloadError { object: name, field }))
}
