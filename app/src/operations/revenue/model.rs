//! What the revenue page shows. Amounts are texts.

use tracking::reconcile::Books;

/// Both comparisons. They are read independently, so that one that fails does not hide the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RevenueReport {
    /// Stripe's ledger against our record; or the reason why it cannot be read.
    pub(super) ledger: Result<LedgerReport, String>,
    /// Our record against the revenue events; or the reason why they cannot be read.
    pub(super) events: Result<RevenueEvents, String>,
}

/// Stripe's ledger against our record of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LedgerReport {
    /// Payments that Stripe lists.
    pub(super) payments: usize,
    /// Refunds that Stripe lists.
    pub(super) refunds: usize,
    /// There are older ones that were not read.
    pub(super) cut_off: bool,
    /// Every difference is explained.
    pub(super) balanced: bool,
    /// Payments less refunds, by currency.
    pub(super) totals: Vec<LedgerTotal>,
    /// Payments and refunds that differ.
    pub(super) differences: Vec<LedgerLine>,
}

/// The sums of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LedgerTotal {
    /// ISO 4217.
    pub(super) currency: String,
    /// Stripe's sum.
    pub(super) stripe: String,
    /// The recorded sum.
    pub(super) recorded: String,
}

/// A payment or a refund that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LedgerLine {
    /// `invoice …` or `refund …`.
    pub(super) entry: String,
    /// Stripe's customer ID.
    pub(super) customer: Option<String>,
    /// Stripe's amount.
    pub(super) stripe: String,
    /// The recorded amount.
    pub(super) recorded: String,
    /// The difference is expected.
    pub(super) explained: bool,
    /// The reason, as a sentence.
    pub(super) reason: String,
}

/// Our record against the revenue events.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RevenueEvents {
    /// The customers whose events were read, the latest payment first.
    pub(super) books: Books,
    /// How many customers have paid. Customers whose events were not read are in no sum.
    pub(super) payers: i64,
}
