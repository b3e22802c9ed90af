//! Paid subscriptions: begun, left, taken up again, changed, renewed and ended.

use serde::Serialize;

use super::{Handoff, SubscriptionReport};
use crate::ids::{InsertId, UserId};
use crate::money::{Money, Revenue, RevenueKind};
use crate::properties::{Interval, UserProperties, UserProperty};
use crate::server::Fact;

/// A subscription was paid at once, without a trial before it. Tells what people buy unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionStarted {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// Stripe's invoice.
    pub invoice: String,
    /// What was paid.
    #[serde(flatten)]
    pub amount: Money,
    /// Stripe's customer.
    #[serde(skip)]
    pub stripe_customer: String,
}

impl Fact for SubscriptionStarted {
    const NAME: &'static str = "Subscription started";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("subscription-started")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report
            .user_properties()
            .set(UserProperty::StripeCustomerId, self.stripe_customer.as_str())
    }

    fn revenue(&self) -> Option<Revenue> {
        Some(Revenue::of_pro(self.amount, RevenueKind::Purchase))
    }
}

/// Somebody canceled a paid subscription, which still runs to the end of its period. Tells who is about to leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionCanceled {
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

impl Fact for SubscriptionCanceled {
    const NAME: &'static str = "Subscription canceled";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("subscription-canceled", self.canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// Somebody took the cancellation of a paid subscription back. Tells how many are won back before they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionResumed {
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

impl Fact for SubscriptionResumed {
    const NAME: &'static str = "Subscription resumed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("subscription-resumed", self.previous_canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// Somebody moved to another interval of the same plan. Tells who commits for longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionChanged {
    /// Webhook and state; its interval is the new one.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// The interval before.
    pub previous_interval: Interval,
    /// Stripe's invoice of the change.
    pub invoice: String,
    /// What was paid, if money moved: during a trial none does.
    #[serde(flatten)]
    pub amount: Option<Money>,
}

impl Fact for SubscriptionChanged {
    const NAME: &'static str = "Subscription changed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("subscription-changed", &self.invoice)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        self.amount
            .map(|amount| Revenue::of_pro(amount, RevenueKind::Change))
    }
}

/// Another period was paid. Tells what keeps coming in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionRenewal {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice.
    pub invoice: String,
    /// What was paid.
    #[serde(flatten)]
    pub amount: Money,
}

impl Fact for SubscriptionRenewal {
    const NAME: &'static str = "Subscription renewal";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("renewal", &self.invoice)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        Some(Revenue::of_pro(self.amount, RevenueKind::Renewal))
    }
}

/// A subscription ended that had been paid. Tells who left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionExpiration {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
}

impl Fact for SubscriptionExpiration {
    const NAME: &'static str = "Subscription expiration";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("subscription-expiration")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}
