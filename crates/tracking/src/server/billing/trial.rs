//! Trials: from the click on "Start trial" to the first payment, or to the end without one.

use serde::Serialize;

use super::{Handoff, SubscriptionReport};
use crate::ids::{InsertId, UserId};
use crate::money::{Money, Revenue, RevenueKind};
use crate::properties::{UserProperties, UserProperty};
use crate::server::Fact;

/// A trial began, no money moved. Tells which clicks on "Start trial" go through Checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialStarted {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// Length of the trial in days.
    pub trial_days: u32,
    /// Stripe's customer.
    #[serde(skip)]
    pub stripe_customer: String,
}

impl Fact for TrialStarted {
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

/// Somebody canceled during the trial, which still runs to its end. Tells when trials are given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialCanceled {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// Stripe's `canceled_at`, in seconds since the epoch.
    #[serde(skip)]
    pub canceled_at: i64,
}

impl Fact for TrialCanceled {
    const NAME: &'static str = "Trial canceled";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id_at("trial-canceled", self.canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// Somebody took the cancellation of a trial back. Tells how many are won back before they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialResumed {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// The `canceled_at` that was taken back, in seconds since the epoch.
    #[serde(skip)]
    pub previous_canceled_at: i64,
}

impl Fact for TrialResumed {
    const NAME: &'static str = "Trial resumed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("trial-resumed", self.previous_canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// The first payment after a trial. The one number that says whether trials work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialConverted {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice.
    pub invoice: String,
    /// What was paid.
    #[serde(flatten)]
    pub amount: Money,
}

impl Fact for TrialConverted {
    const NAME: &'static str = "Trial converted";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("trial-converted")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        Some(Revenue::of_pro(self.amount, RevenueKind::Purchase))
    }
}

/// A subscription ended that was never paid. Tells how many trials lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialExpiration {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
}

impl Fact for TrialExpiration {
    const NAME: &'static str = "Trial expiration";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("trial-expiration")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}
