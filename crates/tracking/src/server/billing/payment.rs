//! Payments that are no period of the plan, failed payments, refunds and disputes. All are system events: no user's action
//! causes them, or, for a charge at the start of a trial, another event has the user's device.

use serde::Serialize;

use super::{Payment, SubscriptionReport};
use crate::ids::{InsertId, UserId};
use crate::money::{Money, Revenue, RevenueKind};
use crate::properties::UserProperties;
use crate::server::EventPayload;

/// Stripe could not collect an invoice; no money moved. Shows customers at risk because of a declined card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PaymentFailure {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice ID.
    pub invoice: String,
    /// Number of the attempt, starting at 1.
    pub attempt: u32,
    /// The amount due.
    #[serde(flatten)]
    pub amount: Money,
}

impl EventPayload for PaymentFailure {
    const NAME: &'static str = "Payment failure";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of(
            "payment-failure",
            format_args!("{}:{}", self.invoice, self.attempt),
        )
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// An invoice of the subscription was paid that is not for a period of the plan after its trial: a set-up fee at the start of
/// a trial, a change billed during the trial, or extras that staff billed. Shows revenue beside the plan's price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionCharge {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice ID.
    pub invoice: String,
    /// The payment.
    #[serde(flatten)]
    pub payment: Payment,
}

impl EventPayload for SubscriptionCharge {
    const NAME: &'static str = "Subscription charge";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("subscription-charge", &self.invoice)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        self.payment.revenue(RevenueKind::Charge)
    }
}

/// A dispute was closed as lost: the customer's bank keeps the money. A dispute that is won gives no event. Corrects the
/// revenue of earlier events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionDispute {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's dispute ID.
    pub dispute: String,
    /// The disputed amount, positive, without Stripe's fee. The revenue is negative.
    #[serde(flatten)]
    pub amount: Money,
}

impl EventPayload for SubscriptionDispute {
    const NAME: &'static str = "Subscription dispute";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("dispute", &self.dispute)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        Some(Revenue::of_pro(self.amount.reversed(), RevenueKind::Dispute))
    }
}

/// A refund succeeded, or a refund that had succeeded failed later. Corrects the revenue of earlier events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionRefund {
    /// Webhook and state of the subscription.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's refund ID.
    pub refund: String,
    /// Whether the refund succeeded or failed.
    pub outcome: RefundOutcome,
    /// Amount of the refund, positive for both outcomes. Only the revenue has a sign.
    #[serde(flatten)]
    pub amount: Money,
}

/// The outcome of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefundOutcome {
    /// The customer got the money: negative revenue.
    Succeeded,
    /// The customer's bank returned the money: positive revenue, which offsets the negative one.
    Failed,
}

impl EventPayload for SubscriptionRefund {
    const NAME: &'static str = "Subscription refund";

    fn insert_id(&self, _user: UserId) -> InsertId {
        match self.outcome {
            RefundOutcome::Succeeded => InsertId::of("refund", &self.refund),
            RefundOutcome::Failed => InsertId::of("refund-failed", &self.refund),
        }
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        let amount = match self.outcome {
            RefundOutcome::Succeeded => self.amount.reversed(),
            RefundOutcome::Failed => self.amount,
        };
        Some(Revenue::of_pro(amount, RevenueKind::Refund))
    }
}
