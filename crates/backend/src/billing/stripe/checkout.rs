//! The API calls for Checkout sessions.

use std::collections::BTreeMap;

use serde_json::Value;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionPaymentMethodCollection,
    CreateCheckoutSessionSubscriptionData, CreateCheckoutSessionSubscriptionDataTrialSettings,
    CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehavior,
    CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehaviorMissingPaymentMethod, ExpireCheckoutSession,
    RetrieveCheckoutSession,
};
use stripe_shared::CheckoutSessionMode;

use super::{StripeCallError, StripeClient};
use crate::billing::payload::PayloadError;

/// Contents of a new Checkout session.
#[derive(Clone, Debug)]
pub struct CheckoutRequest<'a> {
    /// Stripe's customer.
    pub customer: &'a str,
    /// Stripe's price.
    pub price: &'a str,
    /// Days of trial; `None` without a trial.
    pub trial_days: Option<u32>,
    /// The click's IDs, for the subscription.
    pub metadata: BTreeMap<String, String>,
    /// Redirect after completion. It may contain Stripe's `{CHECKOUT_SESSION_ID}`.
    pub success_url: String,
    /// Redirect of the "back" link.
    pub cancel_url: String,
}

/// A Checkout session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutSession {
    /// Stripe's ID.
    pub id: String,
    /// `open`, `complete` or `expired`.
    pub status: String,
    /// URL of its page, while it is open.
    pub url: Option<String>,
    /// The created subscription, once complete.
    pub subscription: Option<String>,
}

impl CheckoutSession {
    fn read(object: &Value) -> Result<Self, StripeCallError> {
        let text = |field: &'static str| {
            object[field].as_str().map(str::to_owned).ok_or(PayloadError {
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

impl StripeClient {
    pub(in crate::billing) async fn create_checkout(
        &self,
        key: &str,
        checkout: CheckoutRequest<'_>,
    ) -> Result<CheckoutSession, StripeCallError> {
        use CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehaviorMissingPaymentMethod as MissingCard;
        let mut subscription = CreateCheckoutSessionSubscriptionData::new();
        subscription.metadata =
            (!checkout.metadata.is_empty()).then(|| checkout.metadata.into_iter().collect());
        let mut item = CreateCheckoutSessionLineItems::new();
        item.price = Some(checkout.price.to_owned());
        item.quantity = Some(1);
        let mut request = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Subscription)
            .customer(checkout.customer)
            .line_items(vec![item])
            .success_url(checkout.success_url)
            .cancel_url(checkout.cancel_url);
        if let Some(days) = checkout.trial_days {
            subscription.trial_period_days = Some(days);
            // No card is required. A trial without a card ends at its last day and is not billed.
            subscription.trial_settings = Some(CreateCheckoutSessionSubscriptionDataTrialSettings::new(
                CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehavior::new(MissingCard::Cancel),
            ));
            request =
                request.payment_method_collection(CreateCheckoutSessionPaymentMethodCollection::IfRequired);
        }
        let request = request.subscription_data(subscription);
        CheckoutSession::read(&self.change(key, &request).await?)
    }

    pub(in crate::billing) async fn checkout(&self, id: &str) -> Result<CheckoutSession, StripeCallError> {
        CheckoutSession::read(&self.get(&RetrieveCheckoutSession::new(id)).await?)
    }

    /// Expires an open session. A session that is not open is returned unchanged.
    pub(in crate::billing) async fn expire_checkout(
        &self,
        id: &str,
    ) -> Result<CheckoutSession, StripeCallError> {
        let request = ExpireCheckoutSession::new(id);
        match self.change(&format!("expire:{id}"), &request).await {
            Ok(session) => CheckoutSession::read(&session),
            Err(StripeCallError::Rejected { .. }) => self.checkout(id).await,
            Err(error) => Err(error),
        }
    }
}
