//! Events of paid subscriptions: started, canceled, resumed, changed, renewed and expired.

use serde::Serialize;

use super::{HandoffRef, Payment, SubscriptionReport};
use crate::ids::{InsertId, UserId};
use crate::interval::Interval;
use crate::money::{Revenue, RevenueKind};
use crate::properties::{UserProperties, UserProperty};
use crate::server::EventPayload;

/// A user bought a subscription without a trial: its first invoice for a period was paid. The amount can be zero, for example
/// with a coupon of 100 %. Shows direct purchases.
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
    /// The payment.
    #[serde(flatten)]
    pub payment: Payment,
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
        self.payment.revenue(RevenueKind::Purchase)
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

/// The items of a subscription changed: the billing interval, the quantity (seats), or the prices. Shows moves between
/// intervals, and growing and shrinking teams. A change that makes an invoice is reported when the invoice is paid.
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
    /// The previous interval. Equal to `interval` if only the quantity or another item changed.
    pub previous_interval: Interval,
    /// The new quantity of the plan, for example seats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// The previous quantity of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_quantity: Option<u64>,
    /// All items after the change: Stripe's price ID and the quantity, `price_1:3`. A metered item has no quantity.
    pub items: Vec<String>,
    /// All items before the change.
    pub previous_items: Vec<String>,
    /// Stripe's invoice ID of the change; absent if the change made no invoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
    /// The payment; `None` if no money moved. A credit for a downgrade moves no money.
    #[serde(flatten)]
    pub payment: Option<Payment>,
    /// When it changed, in seconds since the epoch, by Stripe's wall clock.
    #[serde(skip)]
    pub changed_at: i64,
}

impl EventPayload for SubscriptionChanged {
    const NAME: &'static str = "Subscription changed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        match &self.invoice {
            Some(invoice) => InsertId::of("subscription-changed", invoice),
            None => self.report.insert_id_at("subscription-changed", self.changed_at),
        }
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        self.payment?.revenue(RevenueKind::Change)
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
    /// The payment.
    #[serde(flatten)]
    pub payment: Payment,
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
        self.payment.revenue(RevenueKind::Renewal)
    }
}

/// A subscription ended after an invoice for a period was paid. Shows churn.
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
