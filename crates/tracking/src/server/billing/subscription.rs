//! Events of paid subscriptions: started, canceled, resumed, changed, renewed and expired.

use serde::Serialize;

use super::{HandoffRef, SubscriptionReport};
use crate::ids::{InsertId, UserId};
use crate::money::{Money, Revenue, RevenueKind};
use crate::properties::{Interval, UserProperties, UserProperty};
use crate::server::EventPayload;

/// A user bought a subscription without a trial. Shows direct purchases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionStarted {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// The click or portal visit that caused it; `None` if unknown.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<HandoffRef>,
    /// Stripe's invoice ID.
    pub invoice: String,
    /// The amount paid.
    #[serde(flatten)]
    pub amount: Money,
    /// Stripe's customer ID.
    #[serde(skip)]
    pub stripe_customer: String,
}

impl EventPayload for SubscriptionStarted {
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

/// A user canceled a paid subscription, which stays active until the period ends. Shows upcoming churn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionCanceled {
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

impl EventPayload for SubscriptionCanceled {
    const NAME: &'static str = "Subscription canceled";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("subscription-canceled", self.canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// A user undid the cancellation of a paid subscription. Shows how many customers are retained before the period ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionResumed {
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

impl EventPayload for SubscriptionResumed {
    const NAME: &'static str = "Subscription resumed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("subscription-resumed", self.previous_canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// A user changed the billing interval of the plan. Shows moves between monthly and yearly billing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionChanged {
    /// Webhook and state of the subscription, with the new interval.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// The click or portal visit that caused it; `None` if unknown.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "super::HandoffProperties"))]
    pub handoff: Option<HandoffRef>,
    /// The previous interval.
    pub previous_interval: Interval,
    /// Stripe's invoice ID of the change.
    pub invoice: String,
    /// The amount paid; `None` during a trial, when no money moves.
    #[serde(flatten)]
    pub amount: Option<Money>,
}

impl EventPayload for SubscriptionChanged {
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

/// Stripe collected the payment of a further period. Shows recurring revenue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionRenewal {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice ID.
    pub invoice: String,
    /// The amount paid.
    #[serde(flatten)]
    pub amount: Money,
}

impl EventPayload for SubscriptionRenewal {
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

/// A paid subscription ended. Shows churn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionExpiration {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
}

impl EventPayload for SubscriptionExpiration {
    const NAME: &'static str = "Subscription expiration";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("subscription-expiration")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}
