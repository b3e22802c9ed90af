//! What is owed and what is given back when a price changes within a period.

use crate::world::Period;

/// How a change within a period is billed (`proration_behavior`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Proration {
    /// Lines wait for the next invoice.
    #[default]
    Create,
    /// Lines are invoiced at once.
    AlwaysInvoice,
    None,
}

impl Proration {
    pub(crate) fn read(word: &str) -> Option<Self> {
        match word {
            "create_prorations" => Some(Self::Create),
            "always_invoice" => Some(Self::AlwaysInvoice),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// The part of `amount` that the rest of the period from `at` on is worth, rounded to whole minor units.
pub(crate) fn remaining(amount: i64, period: Period, at: i64) -> i64 {
    let length = (period.end - period.start).max(1);
    let left = (period.end - at).clamp(0, length);
    let exact = i128::from(amount) * i128::from(left);
    let rounded = (exact * 2 + i128::from(length)).div_euclid(i128::from(length) * 2);
    i64::try_from(rounded).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let period = Period { start: 100, end: 200 };
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
            assert_eq!(remaining(amount, period, at), expected, "{amount} {at}");
        }
    }
}
