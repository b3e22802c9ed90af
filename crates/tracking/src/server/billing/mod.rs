//! Revenue events, each read from one of Stripe's webhooks. Stripe's IDs in them are opaque and name nobody.
//!
//! Which webhook is which event is decided elsewhere. Here stands what each one says: present events carry the
//! handoff of the click behind them; system events have nowhere to put one.

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

/// What every revenue event says of its webhook and of the subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionReport {
    /// ID of Stripe's event that this one was read from.
    pub stripe_event: String,
    /// The state that this event reports, as its payload has it.
    pub subscription_status: SubscriptionStatus,
    /// How often the subscription is paid.
    pub interval: Interval,
    /// Stripe's subscription.
    #[serde(skip)]
    pub subscription: String,
    /// The state as fetched when the webhook was applied: the user property. Webhooks come in any order, so it may
    /// be ahead of what the event reports.
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

    /// A subscription can be canceled and resumed again and again; the moment tells the rounds apart.
    fn insert_id_at(&self, fact: &str, seconds: i64) -> InsertId {
        InsertId::of(fact, format_args!("{}:{seconds}", self.subscription))
    }
}

/// What led to a present event, where it is known: the event property `click` or `portal_visit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Handoff {
    /// Insert ID of the browser's click event, as the click wrote it into Stripe's metadata.
    Click(InsertId),
    /// ID of the visit to Stripe's portal that we noted before the redirect.
    PortalVisit(String),
}

/// The same as [`Handoff`] for the JSON Schema: flattened, the two are optional properties.
#[cfg(feature = "catalog")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct HandoffProperties {
    /// Insert ID of the browser's click event that led here.
    click: Option<String>,
    /// The visit to Stripe's portal that led here.
    portal_visit: Option<String>,
}
