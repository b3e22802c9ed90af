//! Subscriptions and invoices.

use serde::{Deserialize, Serialize};

use super::Recurring;
use crate::form::Metadata;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) customer: String,
    pub(crate) test_clock: Option<String>,
    pub(crate) status: Status,
    pub(crate) items: Vec<Item>,
    pub(crate) recurring: Recurring,
    pub(crate) currency: String,
    pub(crate) period: Period,
    pub(crate) billing_cycle_anchor: i64,
    pub(crate) billing_mode: BillingMode,
    pub(crate) cancel_at: Option<i64>,
    pub(crate) cancel_at_period_end: bool,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation: Cancellation,
    pub(crate) ended_at: Option<i64>,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) latest_invoice: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) trial: Option<Period>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    /// Since when and why it is paused.
    #[serde(default)]
    pub(crate) pause: Option<Pause>,
    /// Lines that wait for the next invoice.
    pub(crate) pending_lines: Vec<Line>,
    /// Of `customer.subscription.trial_will_end`.
    pub(crate) trial_notice_sent: bool,
    /// The period end that `invoice.upcoming` was sent for.
    pub(crate) upcoming_sent_for: Option<i64>,
    /// The second of the latest change; the next change gets a later one.
    pub(crate) changed_at: i64,
}

impl Subscription {
    /// Whether nothing can happen to it any more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.status, Status::Canceled | Status::IncompleteExpired)
    }

    /// When it will end by itself.
    pub(crate) fn ends_at(&self) -> Option<i64> {
        if self.cancel_at_period_end {
            Some(self.cancel_at.unwrap_or(self.period.end))
        } else {
            self.cancel_at
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) price: String,
    pub(crate) quantity: i64,
    pub(crate) metadata: Metadata,
}

/// Seconds of the billing clock; `end` is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Period {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Active,
    Canceled,
    Incomplete,
    IncompleteExpired,
    PastDue,
    Paused,
    Trialing,
    Unpaid,
}

impl Status {
    pub(crate) const ALL: [Self; 8] = [
        Self::Active,
        Self::Canceled,
        Self::Incomplete,
        Self::IncompleteExpired,
        Self::PastDue,
        Self::Paused,
        Self::Trialing,
        Self::Unpaid,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canceled => "canceled",
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Trialing => "trialing",
            Self::Unpaid => "unpaid",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BillingMode {
    Classic,
    #[default]
    Flexible,
}

impl BillingMode {
    pub(crate) fn read(word: &str) -> Option<Self> {
        [Self::Classic, Self::Flexible]
            .into_iter()
            .find(|mode| mode.as_str() == word)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Flexible => "flexible",
        }
    }
}

/// `trial_settings.end_behavior.missing_payment_method`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MissingPaymentMethod {
    Cancel,
    #[default]
    CreateInvoice,
    Pause,
}

impl MissingPaymentMethod {
    pub(crate) fn read(word: &str) -> Option<Self> {
        [Self::Cancel, Self::CreateInvoice, Self::Pause]
            .into_iter()
            .find(|choice| choice.as_str() == word)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::CreateInvoice => "create_invoice",
            Self::Pause => "pause",
        }
    }
}

/// `status_details.paused`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    pub(crate) since: i64,
    pub(crate) reason: PauseReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PauseReason {
    PauseRequested,
    TrialEndWithoutPaymentMethod,
}

impl PauseReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PauseRequested => "pause_requested",
            Self::TrialEndWithoutPaymentMethod => "trial_end_without_payment_method",
        }
    }
}

/// `cancellation_details`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancellation {
    pub(crate) comment: Option<String>,
    pub(crate) feedback: Option<String>,
    /// `cancellation_requested` or `payment_failed`.
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) customer: String,
    pub(crate) test_clock: Option<String>,
    pub(crate) subscription: String,
    /// The subscription's metadata when the invoice was made.
    pub(crate) subscription_metadata: Metadata,
    pub(crate) status: InvoiceStatus,
    pub(crate) reason: BillingReason,
    pub(crate) currency: String,
    pub(crate) lines: Vec<Line>,
    /// `period_start` and `period_end`, which on Stripe look back.
    pub(crate) period: Period,
    pub(crate) number: Option<String>,
    pub(crate) auto_advance: bool,
    pub(crate) finalizes_at: Option<i64>,
    pub(crate) finalized_at: Option<i64>,
    pub(crate) paid_at: Option<i64>,
    pub(crate) voided_at: Option<i64>,
    pub(crate) attempts: i64,
    pub(crate) next_attempt: Option<i64>,
    pub(crate) amount_paid: i64,
    pub(crate) payment_intent: Option<String>,
    pub(crate) metadata: Metadata,
}

impl Invoice {
    pub(crate) fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Void,
}

impl InvoiceStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Void => "void",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BillingReason {
    SubscriptionCreate,
    SubscriptionCycle,
    SubscriptionUpdate,
    Upcoming,
}

impl BillingReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SubscriptionCreate => "subscription_create",
            Self::SubscriptionCycle => "subscription_cycle",
            Self::SubscriptionUpdate => "subscription_update",
            Self::Upcoming => "upcoming",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) id: String,
    /// Minor units; negative for a credit.
    pub(crate) amount: i64,
    pub(crate) description: String,
    pub(crate) item: String,
    pub(crate) price: String,
    pub(crate) product: String,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
    pub(crate) period: Period,
    pub(crate) proration: bool,
}
