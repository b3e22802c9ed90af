//! Revenue events. Each is created from one Stripe webhook. Stripe's IDs in them are opaque and not personal data.
//!
//! Present events carry a reference to the handoff of the click that caused them; system events have no field for it.
//! This module does not decide which webhook becomes which event: `backend` does.

mod payment;
mod subscription;
mod trial;

use serde::Serialize;

use crate::ids::InsertId;
use crate::properties::{Interval, SubscriptionStatus, UserProperties, UserProperty};

pub use payment::{PaymentFailure, RefundOutcome, SubscriptionRefund};
pub use subscription::{
    SubscriptionCanceled, SubscriptionChanged, SubscriptionExpiration, SubscriptionRenewal,
    SubscriptionResumed, SubscriptionStarted,
};
pub use trial::{TrialCanceled, TrialConverted, TrialExpiration, TrialResumed, TrialStarted};

/// The part that all revenue events share: the webhook and the state of the subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionReport {
    /// ID of the Stripe event that this event was created from.
    pub stripe_event: String,
    /// The subscription's state in the webhook's payload.
    pub subscription_status: SubscriptionStatus,
    /// Billing interval of the subscription.
    pub interval: Interval,
    /// Stripe's subscription ID.
    #[serde(skip)]
    pub subscription: String,
    /// The state fetched from Stripe when the webhook was applied; becomes the user property. Webhooks arrive in any
    /// order, so it can be newer than `subscription_status`.
    #[serde(skip)]
    pub fetched_status: SubscriptionStatus,
}

impl SubscriptionReport {
    fn user_properties(&self) -> UserProperties {
        UserProperties::default()
            .set(UserProperty::SubscriptionStatus, self.fetched_status.as_str())
            .set(
                UserProperty::AccountType,
                self.fetched_status.account_type().as_str(),
            )
    }

    fn insert_id(&self, fact: &str) -> InsertId {
        InsertId::of(fact, &self.subscription)
    }

    /// A subscription can be canceled and resumed several times, so the insert ID contains the time of the cancellation.
    fn insert_id_at(&self, fact: &str, at_secs: i64) -> InsertId {
        InsertId::of(fact, format_args!("{}:{at_secs}", self.subscription))
    }
}

/// The click or portal visit that caused a present event: the event property `click` or `portal_visit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoffRef {
    /// Insert ID of the browser's click event, from Stripe's metadata.
    Click(InsertId),
    /// ID of the portal visit that was recorded before the redirect to Stripe.
    PortalVisit(String),
}

/// The JSON Schema of [`HandoffRef`]: flattened, the two variants are optional properties.
#[cfg(feature = "catalog")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct HandoffProperties {
    /// Insert ID of the browser's click event that caused this event.
    click: Option<String>,
    /// ID of the portal visit that caused this event.
    portal_visit: Option<String>,
}
