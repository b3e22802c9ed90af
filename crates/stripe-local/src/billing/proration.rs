//! Proration: the share of a price for the rest of a period.

use crate::records::BillingPeriod;

/// How a change within a period is billed (`proration_behavior`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Proration {
    /// The lines are added to the next invoice.
    #[default]
    Create,
    /// The lines are invoiced immediately.
    AlwaysInvoice,
    None,
}

impl Proration {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "create_prorations" => Some(Self::Create),
            "always_invoice" => Some(Self::AlwaysInvoice),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// The share of `amount` for the rest of the period from `at` on, rounded to minor units.
pub(crate) fn remaining_amount(amount: i64, period: BillingPeriod, at: i64) -> i64 {
    let period_secs = (period.end - period.start).max(1);
    let remaining_secs = (period.end - at).clamp(0, period_secs);
    let exact = i128::from(amount) * i128::from(remaining_secs);
    let rounded = (exact * 2 + i128::from(period_secs)).div_euclid(i128::from(period_secs) * 2);
    i64::try_from(rounded).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_prorated_and_rounded() {
        let period = BillingPeriod { start: 100, end: 200 };
        let cases = [
            (1200, 100, 1200),
            (1200, 150, 600),
            (1200, 200, 0),
            (1200, 300, 0),
            (1200, 50, 1200),
            (999, 150, 500),
            (-999, 150, -499),
            (1, 149, 1),
            (1, 151, 0),
        ];
        for (amount, at, expected) in cases {
            assert_eq!(remaining_amount(amount, period, at), expected, "{amount} {at}");
        }
    }
}
