//! The ledger check as the texts that the page shows.

use backend::billing::ledger::{Kind, LedgerCheck, LedgerDifference};
use tracking::Money;

use super::model::{LedgerLine, LedgerReport, LedgerTotal};

/// The result of the ledger check.
pub(super) fn ledger(check: LedgerCheck) -> LedgerReport {
    LedgerReport {
        payments: check.payments,
        refunds: check.refunds,
        cut_off: check.cut_off,
        balanced: check.balanced(),
        totals: check
            .totals
            .iter()
            .map(|total| LedgerTotal {
                currency: total.currency.iso_code(),
                stripe: Money::new(total.stripe, total.currency).to_string(),
                recorded: Money::new(total.recorded, total.currency).to_string(),
            })
            .collect(),
        differences: check.differences.into_iter().map(line).collect(),
    }
}

fn line(difference: LedgerDifference) -> LedgerLine {
    let kind = match difference.kind {
        Kind::Payment => "invoice",
        Kind::Refund => "refund",
    };
    LedgerLine {
        entry: format!("{kind} {}", difference.id),
        customer: difference.customer,
        stripe: amount(difference.stripe),
        recorded: amount(difference.recorded),
        explained: difference.why.is_explained(),
        reason: difference.why.in_words().to_owned(),
    }
}

/// An amount, or `none`.
pub(super) fn amount(money: Option<Money>) -> String {
    money.map_or_else(|| "none".to_owned(), |money| money.to_string())
}

/// `1 payment`, `2 payments`.
pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}
