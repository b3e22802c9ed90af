//! Money as people read it. Amounts are minor units everywhere else.

/// Stripe's currencies without minor units ("Supported currencies", zero-decimal).
const ZERO_DECIMAL: [&str; 16] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof",
    "xpf",
];

/// `$12.00`, `¥1200` or `12.00 CHF`.
pub(crate) fn amount_in_words(amount: i64, currency: &str) -> String {
    let minus = if amount < 0 { "−" } else { "" };
    let size = amount.unsigned_abs();
    let number = if ZERO_DECIMAL.contains(&currency) {
        size.to_string()
    } else {
        format!("{}.{:02}", size / 100, size % 100)
    };
    match currency {
        "usd" => format!("{minus}${number}"),
        "eur" => format!("{minus}€{number}"),
        "gbp" => format!("{minus}£{number}"),
        "jpy" => format!("{minus}¥{number}"),
        other => format!("{minus}{number} {}", other.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        let cases = [
            (1200, "usd", "$12.00"),
            (-5, "eur", "−€0.05"),
            (1200, "jpy", "¥1200"),
            (99, "chf", "0.99 CHF"),
            (500, "krw", "500 KRW"),
        ];
        for (amount, currency, expected) in cases {
            assert_eq!(amount_in_words(amount, currency), expected);
        }
    }
}
