//! The result of a reconciliation: lines, differences and totals.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

/// The comparison of ledger and revenue events for all given customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// By customer.
    pub customers: Vec<CustomerReconciliation>,
    /// Over all customers, by currency.
    pub totals: Vec<CurrencyTotal>,
}

/// The comparison for one customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerReconciliation {
    /// Our user ID.
    pub user: String,
    /// Payments, refunds and lost disputes: payments first, the oldest first.
    pub lines: Vec<LedgerLine>,
    /// By currency.
    pub totals: Vec<CurrencyTotal>,
}

/// One payment, refund or lost dispute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// The invoice, refund or event.
    pub entry: LedgerEntry,
    /// The amount in Stripe's ledger, negative for a refund and a dispute; `None` if Stripe has no such entry.
    pub ledger: Option<Money>,
    /// Sum of the revenue events; `None`: there is no event.
    #[serde(rename = "told")]
    pub tracked: Option<Money>,
    /// Amplitude's ID of the last event of this entry.
    pub event: Option<String>,
    /// The reason for a difference; `None` if the amounts are equal.
    pub difference: Option<LedgerDifference>,
}

/// What a ledger line is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerEntry {
    /// Stripe's invoice ID.
    Invoice(String),
    /// Stripe's refund ID.
    Refund(String),
    /// Stripe's dispute ID.
    Dispute(String),
    /// The insert ID of a revenue event without invoice, refund and dispute.
    Unnamed(String),
}

impl fmt::Display for LedgerEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoice(id) => write!(f, "invoice {id}"),
            Self::Refund(id) => write!(f, "refund {id}"),
            Self::Dispute(id) => write!(f, "dispute {id}"),
            Self::Unnamed(id) => write!(f, "event {id}"),
        }
    }
}

/// Why ledger and events differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerDifference {
    /// The event is in the outbox.
    OnItsWay,
    /// The event is parked in the outbox and will not be sent.
    Parked {
        /// Why it is parked.
        reason: String,
    },
    /// Tracking was denied for some time, and changes in that time have no event.
    WithoutConsent,
    /// The event is older than the events that were read.
    NotRead,
    /// There is no event, without an explanation.
    NoEvent,
    /// There is an event, but no entry in Stripe's ledger.
    NotInLedger,
    /// Event and ledger have different amounts.
    OtherAmount,
    /// Amplitude's revenue differs from the event's own amount: wrong decimals or currency.
    OtherRevenue {
        /// Amplitude's revenue with its currency.
        revenue: String,
    },
}

impl LedgerDifference {
    /// Whether this difference is expected.
    pub const fn is_explained(&self) -> bool {
        matches!(self, Self::OnItsWay | Self::WithoutConsent | Self::NotRead)
    }

    /// The difference as the end of a sentence, for example after `invoice in_1: `.
    pub fn explanation(&self) -> String {
        match self {
            Self::OnItsWay => "the event is in the outbox and not yet delivered.".into(),
            Self::Parked { reason } => format!("the event is parked ({reason})."),
            Self::WithoutConsent => {
                "tracking was denied for some time, and changes in that time have no event.".into()
            }
            Self::NotRead => "the event is older than the events that were read.".into(),
            Self::NoEvent => "Stripe has this entry, but there is no event.".into(),
            Self::NotInLedger => "there is an event, but Stripe has no such entry.".into(),
            Self::OtherAmount => "the amounts of the event and of Stripe differ.".into(),
            Self::OtherRevenue { revenue } => {
                format!("Amplitude has the revenue {revenue}, which differs from the event's amount.")
            }
        }
    }
}

/// The sums of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencyTotal {
    /// The currency.
    pub currency: Currency,
    /// Payments minus refunds and lost disputes by Stripe's ledger, in minor units.
    #[serde(rename = "ledger")]
    pub ledger_minor: i64,
    /// Sum of the revenue events, in minor units.
    #[serde(rename = "told")]
    pub tracked_minor: i64,
    /// Number of lines with an unexplained difference.
    pub unexplained: usize,
}

impl Reconciliation {
    /// Combines several reconciliations. Customers keep their order.
    pub fn of_all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::of(parts.into_iter().flat_map(|part| part.customers).collect())
    }

    pub(super) fn of(customers: Vec<CustomerReconciliation>) -> Self {
        let totals = totals(customers.iter().flat_map(|customer| &customer.lines));
        Self { customers, totals }
    }

    /// Whether every difference is explained.
    pub fn is_balanced(&self) -> bool {
        let mut lines = self.customers.iter().flat_map(|customer| &customer.lines);
        lines.all(|line| {
            line.difference
                .as_ref()
                .is_none_or(LedgerDifference::is_explained)
        })
    }
}

/// The sums of the lines by currency.
pub(super) fn totals<'a>(lines: impl Iterator<Item = &'a LedgerLine>) -> Vec<CurrencyTotal> {
    let mut totals: BTreeMap<Currency, CurrencyTotal> = BTreeMap::new();
    for line in lines {
        let unexplained = line
            .difference
            .as_ref()
            .is_some_and(|difference| !difference.is_explained());
        for (money, is_ledger) in [(line.ledger, true), (line.tracked, false)] {
            let Some(money) = money else { continue };
            let total = totals.entry(money.currency).or_insert(CurrencyTotal {
                currency: money.currency,
                ledger_minor: 0,
                tracked_minor: 0,
                unexplained: 0,
            });
            match is_ledger {
                true => total.ledger_minor += money.minor,
                false => total.tracked_minor += money.minor,
            }
        }
        if let Some(money) = line.ledger.or(line.tracked) {
            let total = totals.get_mut(&money.currency);
            total
                .into_iter()
                .for_each(|total| total.unexplained += usize::from(unexplained));
        }
    }
    totals.into_values().collect()
}
