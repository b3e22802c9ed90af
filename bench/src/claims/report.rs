//! The report of the claims measurement, and its limit.

use std::fmt;

use super::ClaimsSettings;
use crate::database;

/// The most that a claim may cost, in claims of the smallest table.
const MAX_RATIO: f64 = 2.0;

/// The cost of claims with a number of rows.
#[derive(Clone, Debug)]
pub struct ClaimCost {
    /// Rows of the claim.
    pub rows: usize,
    /// The claim, in µs (p50).
    pub claim_us: f64,
    /// The settlement of its rows, in µs (p50).
    pub settle_us: f64,
}

/// A size of the table, and the cost of claims.
#[derive(Clone, Debug)]
pub struct TableSize {
    /// Pending rows.
    pub pending: u64,
    /// Sent rows.
    pub sent: u64,
    /// Claims of each number of rows.
    pub claims: Vec<ClaimCost>,
}

/// The settings and the result of a measurement.
#[derive(Clone, Debug)]
pub struct ClaimsReport {
    /// The settings of the run.
    pub settings: ClaimsSettings,
    /// The smallest table first.
    pub sizes: Vec<TableSize>,
}

impl ClaimsReport {
    /// Whether no claim costs more than [`MAX_RATIO`] times that of the smallest table.
    pub fn holds(&self) -> bool {
        let mut ratios = self.rows().map(|(_, _, claim_ratio, _)| claim_ratio);
        ratios.all(|ratio| ratio <= MAX_RATIO)
    }

    /// Each cost with its table and the ratios of claim and settlement to those of the smallest table.
    fn rows(&self) -> impl Iterator<Item = (&TableSize, &ClaimCost, f64, f64)> {
        let smallest = self.sizes.first();
        self.sizes.iter().flat_map(move |size| {
            let base = smallest.into_iter().flat_map(|smallest| &smallest.claims);
            size.claims.iter().zip(base).map(move |(cost, base)| {
                (
                    size,
                    cost,
                    cost.claim_us / base.claim_us,
                    cost.settle_us / base.settle_us,
                )
            })
        })
    }
}

impl fmt::Display for ClaimsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "claims of the outbox on {}, p50, without the commit",
            database::name(self.settings.engine)
        )?;
        writeln!(
            f,
            "     pending       sent   rows        claim      ratio       settle      ratio"
        )?;
        for (size, cost, claim_ratio, settle_ratio) in self.rows() {
            writeln!(
                f,
                "  {:10} {:10}  {:5}  {:8.0} µs  {claim_ratio:7.2} ×  {:8.0} µs  {settle_ratio:7.2} ×",
                size.pending, size.sent, cost.rows, cost.claim_us, cost.settle_us
            )?;
        }
        write!(
            f,
            "  limit of a claim {MAX_RATIO} ×: {}",
            if self.holds() { "holds" } else { "BROKEN" }
        )
    }
}
