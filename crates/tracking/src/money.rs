//! Money in minor units, as Stripe uses it, and the conversion to the decimal amounts that Amplitude requires.
//!
//! No arithmetic except the sign; no exchange rates.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A currency by its ISO 4217 code, in lower case as Stripe writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// Stripe's amounts in these currencies are whole units (Stripe, "Supported currencies", zero-decimal currencies).
/// Stripe's list contains `ugx` too, but its special cases say that `ugx` and `isk` amounts have two decimals, so neither
/// is listed here.
const ZERO_DECIMAL: [&[u8; 3]; 15] = [
    b"bif", b"clp", b"djf", b"gnf", b"jpy", b"kmf", b"krw", b"mga", b"pyg", b"rwf", b"vnd", b"vuv", b"xaf",
    b"xof", b"xpf",
];

/// Stripe's amounts in these currencies are thousandths (Stripe, "Supported currencies", three-decimal currencies).
const THREE_DECIMAL: [&[u8; 3]; 5] = [b"bhd", b"jod", b"kwd", b"omr", b"tnd"];

impl Currency {
    /// US dollars, the currency of the demo's prices.
    pub const USD: Self = Self(*b"usd");

    /// Parses three lowercase ASCII letters; any other text is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_lowercase).then_some(Self(code))
    }

    /// Number of decimals in Stripe's amounts: 0, 2 or 3.
    pub fn decimals(self) -> u32 {
        if ZERO_DECIMAL.contains(&&self.0) {
            0
        } else if THREE_DECIMAL.contains(&&self.0) {
            3
        } else {
            2
        }
    }

    /// The code in upper case, as HTTP V2 requires it.
    pub fn iso_code(self) -> String {
        self.to_string().to_ascii_uppercase()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&letter| fmt::Write::write_char(f, char::from(letter)))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a currency"))
    }
}

/// An amount in Stripe's minor units. The event properties are `amount_minor` and `currency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct Money {
    /// Amount in minor units: cents for `usd`, yen for `jpy`.
    #[serde(rename = "amount_minor")]
    pub minor: i64,
    /// Currency of the amount, ISO 4217 in lower case.
    #[cfg_attr(feature = "catalog", schemars(with = "String", regex(pattern = "^[a-z]{3}$")))]
    pub currency: Currency,
}

impl Money {
    /// An amount in minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The same amount with the opposite sign. Saturates at `i64::MAX`.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            minor: self.minor.saturating_neg(),
            currency: self.currency,
        }
    }

    /// The amount in whole units, for the wire. Correctly rounded for amounts below 2^53 minor units, because it is one
    /// division of two exact numbers.
    pub fn decimal(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "amounts beyond 2^53 minor units do not occur"
        )]
        let minor = self.minor as f64;
        minor / 10_f64.powi(self.currency.decimals().cast_signed())
    }
}

/// `12.99 USD`, `500 JPY`, with as many decimals as the currency has.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        let unit = 10_u64.pow(decimals);
        let (whole, rest) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        if self.minor < 0 {
            f.write_str("−")?;
        }
        match decimals {
            0 => write!(f, "{whole} {}", self.currency.iso_code()),
            _ => write!(
                f,
                "{whole}.{rest:0width$} {}",
                self.currency.iso_code(),
                width = decimals as usize
            ),
        }
    }
}

/// Money that moved, for Amplitude's revenue fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revenue {
    /// The amount; negative for a refund.
    pub amount: Money,
    /// The product: `productId` on the wire.
    pub product_id: &'static str,
    /// The kind of payment.
    pub kind: RevenueKind,
}

/// `revenueType` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevenueKind {
    /// The first payment of a subscription, with or without a trial before it.
    Purchase,
    /// A later period.
    Renewal,
    /// A change of the billing interval, of the quantity or of the items.
    Change,
    /// A payment that is not for a period of the plan, for example a set-up fee at the start of a trial.
    Charge,
    /// A refund, or the reversal of a failed refund.
    Refund,
    /// A lost dispute.
    Dispute,
}

impl RevenueKind {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Renewal => "renewal",
            Self::Change => "change",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
        }
    }
}

impl Revenue {
    /// Product ID of the Pro plan.
    pub const PRO: &'static str = "pro";

    /// Revenue of the Pro plan.
    pub const fn of_pro(amount: Money, kind: RevenueKind) -> Self {
        Self {
            amount,
            product_id: Self::PRO,
            kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_lowercase_letters() {
        assert_eq!(Currency::parse("usd"), Some(Currency::USD));
        for bad in ["", "us", "usdd", "USD", "u d", "us1", "üs", "€"] {
            assert_eq!(Currency::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn decimal_amounts_depend_on_the_currency() {
        let rows = [
            (1200, "usd", 12.0, "12.0"),
            (1299, "usd", 12.99, "12.99"),
            (-1299, "eur", -12.99, "-12.99"),
            (1, "usd", 0.01, "0.01"),
            (0, "usd", 0.0, "0.0"),
            (500, "jpy", 500.0, "500.0"),
            (-500, "krw", -500.0, "-500.0"),
            (5120, "kwd", 5.12, "5.12"),
            (500, "ugx", 5.0, "5.0"),
            (500, "isk", 5.0, "5.0"),
            (
                123_456_789_012_345,
                "usd",
                1_234_567_890_123.45,
                "1234567890123.45",
            ),
        ];
        for (minor, currency, decimal, text) in rows {
            let money = Money::new(minor, Currency::parse(currency).unwrap());
            assert!(
                (money.decimal() - decimal).abs() < f64::EPSILON * decimal.abs().max(1.0),
                "{minor} {currency}"
            );
            assert!(
                serde_json::to_string(&money.decimal()).unwrap().starts_with(text),
                "{minor} {currency}"
            );
        }
    }

    #[test]
    fn amounts_are_displayed_in_whole_units() {
        for (minor, currency, text) in [
            (1299, "usd", "12.99 USD"),
            (-1205, "eur", "−12.05 EUR"),
            (500, "jpy", "500 JPY"),
            (5, "kwd", "0.005 KWD"),
            (i64::MIN, "usd", "−92233720368547758.08 USD"),
        ] {
            let money = Money::new(minor, Currency::parse(currency).unwrap());
            assert_eq!(money.to_string(), text);
            let read: Money = serde_json::from_value(serde_json::to_value(money).unwrap()).unwrap();
            assert_eq!(read, money);
        }
        assert!(serde_json::from_str::<Currency>("\"USD\"").is_err());
    }

    #[test]
    fn reversing_an_amount_does_not_overflow() {
        assert_eq!(Money::new(i64::MIN, Currency::USD).reversed().minor, i64::MAX);
        assert_eq!(Money::new(1200, Currency::USD).reversed().minor, -1200);
    }
}
