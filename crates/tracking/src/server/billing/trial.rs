//! Events of trials: started, canceled, resumed, converted and expired.

use serde::Serialize;

use super::{HandoffRef, Payment, SubscriptionReport};
use crate::ids::{InsertId, UserId};
use crate::money::{Revenue, RevenueKind};
use crate::properties::{UserProperties, UserProperty};
use crate::server::EventPayload;

/// A trial started; no money moved. Shows how many clicks on "Start trial" complete Checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialStarted {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// The click or portal visit that caused it; `None` if unknown.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<HandoffRef>,
    /// Length of the trial in days.
    pub trial_days: u32,
    /// Stripe's customer ID.
    #[serde(skip)]
    pub stripe_customer: String,
}

impl EventPayload for TrialStarted {
    const NAME: &'static str = "Trial started";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("trial-started")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report
            .user_properties()
            .set(UserProperty::StripeCustomerId, self.stripe_customer.as_str())
    }
}

/// A user canceled a trial, which stays active until it ends. Shows when trials are abandoned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialCanceled {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// The click or portal visit that caused it; `None` if unknown.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<HandoffRef>,
    /// Stripe's `canceled_at`, in seconds since the epoch.
    #[serde(skip)]
    pub canceled_at: i64,
}

impl EventPayload for TrialCanceled {
    const NAME: &'static str = "Trial canceled";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id_at("trial-canceled", self.canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// A user undid the cancellation of a trial. Shows how many trials are retained before they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialResumed {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// The click or portal visit that caused it; `None` if unknown.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<HandoffRef>,
    /// The `canceled_at` of the undone cancellation, in seconds since the epoch.
    #[serde(skip)]
    pub previous_canceled_at: i64,
}

impl EventPayload for TrialResumed {
    const NAME: &'static str = "Trial resumed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("trial-resumed", self.previous_canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// The first invoice for a period after a trial was paid. Its amount can be zero, for example with a coupon of 100 % or a
/// free price. Shows the conversion rate of trials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialConverted {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice ID.
    pub invoice: String,
    /// The payment.
    #[serde(flatten)]
    pub payment: Payment,
}

impl EventPayload for TrialConverted {
    const NAME: &'static str = "Trial converted";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("trial-converted")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        self.payment.revenue(RevenueKind::Purchase)
    }
}

/// A trial ended, and no invoice for a later period was paid. Shows how many trials do not convert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialExpiration {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
}

impl EventPayload for TrialExpiration {
    const NAME: &'static str = "Trial expiration";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("trial-expiration")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}
