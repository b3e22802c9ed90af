//! What the page knows. Amounts come as text.

use serde::{Deserialize, Serialize};
use tracking::reconcile::Books;

/// Whether the money adds up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revenue {
    /// Stripe against our record; or why Stripe does not say.
    pub ledger: Result<Ledger, String>,
    /// Our record against the revenue events; or why Amplitude does not say.
    pub told: Result<Told, String>,
}

/// Stripe's ledger against our record of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Payments that Stripe lists.
    pub payments: usize,
    /// Refunds that Stripe lists.
    pub refunds: usize,
    /// There are older ones that were not asked for.
    pub cut_off: bool,
    /// Every difference is explained.
    pub balanced: bool,
    /// Payments less refunds, by currency.
    pub totals: Vec<LedgerTotal>,
    /// Where the two differ.
    pub differences: Vec<LedgerLine>,
}

/// A sum on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerTotal {
    /// ISO 4217.
    pub currency: String,
    /// Stripe's.
    pub stripe: String,
    /// Ours.
    pub recorded: String,
}

/// A payment or a refund on which the two differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// `invoice …` or `refund …`.
    pub what: String,
    /// Stripe's customer.
    pub customer: Option<String>,
    /// Stripe's amount.
    pub stripe: String,
    /// Ours.
    pub recorded: String,
    /// It is as it should be.
    pub explained: bool,
    /// Why, in a sentence.
    pub why: String,
}

/// Our record against revenue events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Of the customers whose stories were read, whoever paid last first.
    pub books: Books,
    /// How many customers have paid; those beyond the ones that were read stand in no sum.
    pub payers: i64,
}
