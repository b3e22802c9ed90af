//! Subscriptions and invoices. Amounts are minor units of the currency.

use serde::{Deserialize, Serialize};

use super::Recurring;
use crate::form::Metadata;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubscriptionRecord {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) customer: String,
    pub(crate) test_clock: Option<String>,
    pub(crate) status: StripeSubscriptionStatus,
    pub(crate) items: Vec<SubscriptionItem>,
    pub(crate) recurring: Recurring,
    pub(crate) currency: String,
    pub(crate) period: BillingPeriod,
    pub(crate) billing_cycle_anchor: i64,
    pub(crate) billing_mode: BillingMode,
    pub(crate) cancel_at: Option<i64>,
    pub(crate) cancel_at_period_end: bool,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation: CancellationDetails,
    pub(crate) ended_at: Option<i64>,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) latest_invoice: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) trial: Option<BillingPeriod>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    /// Set while the subscription is paused.
    #[serde(default)]
    pub(crate) pause: Option<Pause>,
    /// Set while payments are not collected (`pause_collection.behavior`).
    #[serde(default)]
    pub(crate) collection_pause: Option<CollectionPause>,
    /// Lines that are added to the next invoice.
    pub(crate) pending_lines: Vec<InvoiceLineRecord>,
    /// Whether `customer.subscription.trial_will_end` was sent.
    pub(crate) trial_notice_sent: bool,
    /// The end of the period for which `invoice.upcoming` was sent.
    pub(crate) upcoming_sent_for: Option<i64>,
    /// The time of the last change. The next change has a later one.
    pub(crate) changed_at: i64,
}

impl SubscriptionRecord {
    /// Whether the subscription is in a final status.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(
            self.status,
            StripeSubscriptionStatus::Canceled | StripeSubscriptionStatus::IncompleteExpired
        )
    }

    /// When a scheduled cancellation takes effect, or `None` if none is scheduled.
    pub(crate) fn ends_at(&self) -> Option<i64> {
        if self.cancel_at_period_end {
            Some(self.cancel_at.unwrap_or(self.period.end))
        } else {
            self.cancel_at
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubscriptionItem {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) price: String,
    pub(crate) quantity: i64,
    pub(crate) metadata: Metadata,
}

/// Unix seconds of the billing clock. `end` is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BillingPeriod {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StripeSubscriptionStatus {
    Active,
    Canceled,
    Incomplete,
    IncompleteExpired,
    PastDue,
    Paused,
    Trialing,
    Unpaid,
}

impl StripeSubscriptionStatus {
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
    pub(crate) fn parse(word: &str) -> Option<Self> {
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
    pub(crate) fn parse(word: &str) -> Option<Self> {
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

/// What happens to the invoices of a period in which payments are not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CollectionPause {
    KeepAsDraft,
    Void,
}

impl CollectionPause {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::KeepAsDraft, Self::Void]
            .into_iter()
            .find(|choice| choice.as_str() == word)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::KeepAsDraft => "keep_as_draft",
            Self::Void => "void",
        }
    }
}

/// `cancellation_details`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CancellationDetails {
    pub(crate) comment: Option<String>,
    pub(crate) feedback: Option<String>,
    /// `cancellation_requested` or `payment_failed`.
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvoiceRecord {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) customer: String,
    pub(crate) test_clock: Option<String>,
    pub(crate) subscription: String,
    /// The subscription's metadata when the invoice was created or finalized.
    pub(crate) subscription_metadata: Metadata,
    pub(crate) status: InvoiceStatus,
    pub(crate) reason: InvoiceBillingReason,
    pub(crate) currency: String,
    pub(crate) lines: Vec<InvoiceLineRecord>,
    /// `period_start` and `period_end`. On Stripe this is the previous period.
    pub(crate) period: BillingPeriod,
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

impl InvoiceRecord {
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
pub(crate) enum InvoiceBillingReason {
    SubscriptionCreate,
    SubscriptionCycle,
    SubscriptionUpdate,
    Upcoming,
}

impl InvoiceBillingReason {
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
pub(crate) struct InvoiceLineRecord {
    pub(crate) id: String,
    /// Negative for a credit.
    pub(crate) amount: i64,
    pub(crate) description: String,
    pub(crate) item: String,
    pub(crate) price: String,
    pub(crate) product: String,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
    pub(crate) period: BillingPeriod,
    #[serde(rename = "proration")]
    pub(crate) is_proration: bool,
}
