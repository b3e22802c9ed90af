//! Payments that did not come, and payments that went back. Nobody of ours clicks for either.

use serde::Serialize;

use super::SubscriptionReport;
use crate::ids::{InsertId, UserId};
use crate::money::{Money, Revenue, RevenueKind};
use crate::properties::UserProperties;
use crate::server::Fact;

/// Stripe could not collect an invoice. Tells whom a declined card is about to cost us; no money moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PaymentFailure {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice.
    pub invoice: String,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// What is due.
    #[serde(flatten)]
    pub amount: Money,
}

impl Fact for PaymentFailure {
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

/// Money went back to a customer, or a refund that had succeeded failed after all. Corrects what earlier events said
/// came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionRefund {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's refund.
    pub refund: String,
    /// Whether the money went or came back.
    pub outcome: RefundOutcome,
    /// Size of the refund, positive in both outcomes; the sign is on the revenue.
    #[serde(flatten)]
    pub amount: Money,
}

/// How a refund went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefundOutcome {
    /// The money went to the customer: negative revenue.
    Succeeded,
    /// The customer's bank sent it back later: positive revenue, which cancels the negative one.
    Failed,
}

impl Fact for SubscriptionRefund {
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
