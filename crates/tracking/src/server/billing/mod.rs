//! Revenue events. Each is created from one Stripe webhook. Stripe's IDs in them are opaque and not personal data.
//!
//! Present events carry a reference to the handoff of the click that caused them; system events have no field for it.
//! This module does not decide which webhook becomes which event: `backend` does.

mod payment;
mod subscription;
mod trial;

use serde::Serialize;

use crate::ids::InsertId;
use crate::interval::Interval;
use crate::money::{Money, Revenue, RevenueKind};
use crate::properties::{SubscriptionStatus, UserProperties, UserProperty};

pub use payment::{
    PaymentFailure, RefundOutcome, SubscriptionCharge, SubscriptionDispute, SubscriptionRefund,
};
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
    /// Billing interval of the plan as in Stripe, for example `month`, `year` or `3 months`.
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

/// A paid invoice: the cash that moved, with tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct Payment {
    /// The amount paid, tax included.
    #[serde(flatten)]
    pub amount: Money,
    /// The part of the amount that is tax, in the same minor units. The net amount is the difference.
    pub tax_minor: i64,
    /// Whether the customer paid outside of Stripe, for example by bank transfer.
    pub paid_out_of_band: bool,
}

impl Payment {
    /// Revenue of the Pro plan; `None` if no money moved, for example because of a coupon of 100 %.
    fn revenue(self, kind: RevenueKind) -> Option<Revenue> {
        (self.amount.minor != 0).then(|| Revenue::of_pro(self.amount, kind))
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
