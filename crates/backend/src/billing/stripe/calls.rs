//! The calls that billing makes, each as one method.

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
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionPaymentMethodCollection,
    CreateCheckoutSessionSubscriptionData, CreateCheckoutSessionSubscriptionDataTrialSettings,
    CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehavior,
    CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehaviorMissingPaymentMethod, ExpireCheckoutSession,
    RetrieveCheckoutSession,
};
use stripe_core::customer::{CreateCustomer, DeleteCustomer, RetrieveCustomer};
use stripe_shared::{CheckoutSessionMode, InvoiceStatus};
use tracking::UserId;

use super::{PAGE, Stripe, StripeFault};
use crate::billing::payload::{Invoice, Subscription, Unreadable};

/// What a Checkout session is to sell, and where its pages lead back to.
#[derive(Clone, Debug)]
pub struct Offer<'a> {
    /// Who buys.
    pub customer: &'a str,
    /// What.
    pub price: &'a str,
    /// Days of trial; `None`: it costs from the first day.
    pub trial_days: Option<u32>,
    /// The click's IDs, for the subscription.
    pub metadata: BTreeMap<String, String>,
    /// May hold Stripe's `{CHECKOUT_SESSION_ID}`.
    pub success_url: String,
    /// Where "back" leads.
    pub cancel_url: String,
}

/// A Checkout session, as far as we care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutSession {
    /// Stripe's ID.
    pub id: String,
    /// `open`, `complete` or `expired`.
    pub status: String,
    /// Its page, while it is open.
    pub url: Option<String>,
    /// What came of it.
    pub subscription: Option<String>,
}

impl CheckoutSession {
    fn read(object: &Value) -> Result<Self, StripeFault> {
        let text = |field: &'static str| {
            object[field].as_str().map(str::to_owned).ok_or(Unreadable {
                object: "checkout session",
                field,
            })
        };
        Ok(Self {
            id: text("id")?,
            status: text("status")?,
            url: text("url").ok(),
            subscription: text("subscription").ok(),
        })
    }
}

impl Stripe {
    /// The account's customer. Made twice with the same key it is the same one.
    pub(in crate::billing) async fn make_customer(
        &self,
        account: UserId,
        email: &str,
    ) -> Result<String, StripeFault> {
        let request = CreateCustomer::new()
            .email(email)
            .metadata(HashMap::from([("seam_user".to_owned(), account.to_string())]));
        let answer = self.change(&format!("customer:{account}"), &request).await?;
        text(&answer, "customer", "id")
    }

    /// With the customer go its subscriptions, at once (API reference, "Delete a customer").
    pub(in crate::billing) async fn delete_customer(&self, customer: &str) -> Result<(), StripeFault> {
        match self
            .change(&format!("delete:{customer}"), &DeleteCustomer::new(customer))
            .await
        {
            Err(fault) if !fault.is_missing() => Err(fault),
            _ => Ok(()),
        }
    }

    pub(in crate::billing) async fn make_checkout(
        &self,
        key: &str,
        offer: Offer<'_>,
    ) -> Result<CheckoutSession, StripeFault> {
        use CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehaviorMissingPaymentMethod as MissingCard;
        let mut subscription = CreateCheckoutSessionSubscriptionData::new();
        subscription.metadata = (!offer.metadata.is_empty()).then(|| offer.metadata.into_iter().collect());
        let mut item = CreateCheckoutSessionLineItems::new();
        item.price = Some(offer.price.to_owned());
        item.quantity = Some(1);
        let mut request = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Subscription)
            .customer(offer.customer)
            .line_items(vec![item])
            .success_url(offer.success_url)
            .cancel_url(offer.cancel_url);
        if let Some(days) = offer.trial_days {
            subscription.trial_period_days = Some(days);
            // No card is asked for; whoever has given none by the end of the trial is not billed but let go.
            subscription.trial_settings = Some(CreateCheckoutSessionSubscriptionDataTrialSettings::new(
                CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehavior::new(MissingCard::Cancel),
            ));
            request =
                request.payment_method_collection(CreateCheckoutSessionPaymentMethodCollection::IfRequired);
        }
        let request = request.subscription_data(subscription);
        CheckoutSession::read(&self.change(key, &request).await?)
    }

    pub(in crate::billing) async fn checkout(&self, id: &str) -> Result<CheckoutSession, StripeFault> {
        CheckoutSession::read(&self.get(&RetrieveCheckoutSession::new(id)).await?)
    }

    /// An open session is closed for good; of one that is closed or complete, how it stands.
    pub(in crate::billing) async fn expire_checkout(&self, id: &str) -> Result<CheckoutSession, StripeFault> {
        let request = ExpireCheckoutSession::new(id);
        match self.change(&format!("expire:{id}"), &request).await {
            Ok(session) => CheckoutSession::read(&session),
            Err(StripeFault::Refused { .. }) => self.checkout(id).await,
            Err(fault) => Err(fault),
        }
    }

    pub(in crate::billing) async fn subscription(&self, id: &str) -> Result<Value, StripeFault> {
        self.get(&RetrieveSubscription::new(id)).await
    }

    /// Whether there is a card, or anything else, that invoices are charged to.
    pub(in crate::billing) async fn has_card(&self, customer: &str) -> Result<bool, StripeFault> {
        let customer = self.get(&RetrieveCustomer::new(customer)).await?;
        Ok(!customer["invoice_settings"]["default_payment_method"].is_null()
            || !customer["default_source"].is_null())
    }

    /// All that the customer has or had. A deleted customer has none left in lists.
    pub(in crate::billing) async fn subscriptions(&self, customer: &str) -> Result<Vec<Value>, StripeFault> {
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
            Err(fault) if fault.is_missing() => Ok(Vec::new()),
            answered => answered,
        }
    }

    /// In no order; those of nothing included.
    pub(in crate::billing) async fn paid_invoices(
        &self,
        subscription: &str,
    ) -> Result<Vec<Value>, StripeFault> {
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

    /// The invoice that a payment was for; `None`: it was for none.
    pub(in crate::billing) async fn invoice_of_payment(
        &self,
        payment_intent: &str,
    ) -> Result<Option<Invoice>, StripeFault> {
        let mut payment = ListInvoicePaymentPayment::new(ListInvoicePaymentPaymentType::PaymentIntent);
        payment.payment_intent = Some(payment_intent.to_owned());
        let answer = self.get(&ListInvoicePayment::new().payment(payment)).await?;
        let Some(invoice) = answer["data"][0]["invoice"].as_str() else {
            return Ok(None);
        };
        Ok(Some(Invoice::read(
            &self.get(&RetrieveInvoice::new(invoice)).await?,
        )?))
    }

    /// Plans the end with the running period, and says who did: one call, so one webhook that holds both.
    pub(in crate::billing) async fn plan_end(
        &self,
        key: &str,
        subscription: &Subscription,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), StripeFault> {
        let request = UpdateSubscription::new(&*subscription.id)
            .cancel_at_period_end(true)
            .metadata(metadata.into_iter().collect::<HashMap<_, _>>());
        self.change(key, &request).await.map(drop)
    }

    /// Takes a planned end back. One that was planned by `cancel_at` alone (a portal that bills flexibly does so) goes
    /// with that field emptied, for which async-stripe has no word.
    pub(in crate::billing) async fn take_back_end(
        &self,
        key: &str,
        subscription: &Subscription,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), StripeFault> {
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

    /// From month to year at once: a new period begins and is billed, nothing is credited.
    pub(in crate::billing) async fn change_price(
        &self,
        key: &str,
        subscription: &Subscription,
        price: &str,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), StripeFault> {
        let mut item = UpdateSubscriptionItems::new();
        item.id = Some(subscription.item.clone().ok_or(Unreadable {
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

    /// Ends it now.
    pub(in crate::billing) async fn end_now(&self, subscription: &str) -> Result<(), StripeFault> {
        match self
            .change(
                &format!("end:{subscription}"),
                &CancelSubscription::new(subscription),
            )
            .await
        {
            Err(fault) if !fault.is_missing() => Err(fault),
            _ => Ok(()),
        }
    }

    /// The URL of a visit to the portal; with `add_card` straight to its form for a card, and back from there.
    pub(in crate::billing) async fn open_portal(
        &self,
        key: &str,
        customer: &str,
        configuration: &str,
        return_url: &str,
        add_card: bool,
    ) -> Result<String, StripeFault> {
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

fn text(object: &Value, name: &'static str, field: &'static str) -> Result<String, StripeFault> {
    let text = object[field].as_str().map(str::to_owned);
    text.ok_or(StripeFault::Unreadable(Unreadable { object: name, field }))
}
