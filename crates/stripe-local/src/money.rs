//! Formatted amounts for pages and descriptions.

/// Stripe's currencies without minor units ("Supported currencies", zero-decimal).
const ZERO_DECIMAL: [&str; 16] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof",
    "xpf",
];

/// Formats an amount in minor units: `$12.00`, `¥1200` or `12.00 CHF`.
pub(crate) fn format_amount(amount: i64, currency: &str) -> String {
    let sign = if amount < 0 { "−" } else { "" };
    let magnitude = amount.unsigned_abs();
    let number = if ZERO_DECIMAL.contains(&currency) {
        magnitude.to_string()
    } else {
        format!("{}.{:02}", magnitude / 100, magnitude % 100)
    };
    match currency {
        "usd" => format!("{sign}${number}"),
        "eur" => format!("{sign}€{number}"),
        "gbp" => format!("{sign}£{number}"),
        "jpy" => format!("{sign}¥{number}"),
        other => format!("{sign}{number} {}", other.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_currencys_decimals() {
        let cases = [
            (1200, "usd", "$12.00"),
            (-5, "eur", "−€0.05"),
            (1200, "jpy", "¥1200"),
            (99, "chf", "0.99 CHF"),
            (500, "krw", "500 KRW"),
        ];
        for (amount, currency, expected) in cases {
            assert_eq!(format_amount(amount, currency), expected);
        }
    }
}
