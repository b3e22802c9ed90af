//! Reads the terms of a subscription: items, prices, quantities and discounts. Computes what they cost.
//!
//! Stripe's tax and a customer's balance are not part of the terms.

use serde_json::Value;
use tracking::{Currency, Interval, IntervalUnit, Money};

use super::fields::list;

/// What a subscription charges, as in Stripe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionTerms {
    /// The items, in Stripe's order.
    pub items: Vec<TermsItem>,
    /// Discounts of the whole subscription.
    pub discounts: Vec<Discount>,
    /// Whether Stripe collects no payments for now (`pause_collection`).
    pub is_collection_paused: bool,
}

/// An item of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsItem {
    /// Stripe's ID.
    pub id: String,
    /// Its price.
    pub price: Price,
    /// How many, for example seats; `None` for a metered price.
    pub quantity: Option<u64>,
    /// Discounts of this item.
    pub discounts: Vec<Discount>,
}

/// A price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Stripe's ID.
    pub id: String,
    /// Stripe's product.
    pub product: Option<String>,
    /// Its lookup key.
    pub lookup_key: Option<String>,
    /// Its currency.
    pub currency: Option<Currency>,
    /// The amount for one, in [`NANOS`] of a minor unit; `None` for tiers and for a price that customers choose.
    unit_nanos: Option<i128>,
    /// How many of the quantity are sold together, and whether a part counts as a whole.
    package: Option<(u64, bool)>,
    /// How often it is billed.
    pub interval: Option<Interval>,
    /// Whether usage is billed afterwards.
    pub is_metered: bool,
}

/// Parts of a minor unit. Stripe's `unit_amount_decimal` has up to 12 decimals; 12 are kept.
const NANOS: i128 = 1_000_000_000_000;

/// A discount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discount {
    /// A share of the amount, in millionths, until a time in seconds since the epoch.
    Share {
        /// Millionths of the amount.
        millionths: u64,
        /// When it ends; `None`: not before the next payment.
        ends_at: Option<i64>,
    },
    /// An amount.
    Fixed {
        /// The amount.
        amount: Money,
        /// When it ends; `None`: not before the next payment.
        ends_at: Option<i64>,
    },
    /// A discount that Stripe's object only names.
    Unread,
}

/// What a subscription costs each time, for one interval and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurringPrice {
    /// The sum of the items, without discounts and tax.
    pub amount: Money,
    /// How often.
    pub interval: Interval,
}

impl SubscriptionTerms {
    /// Reads them from Stripe's subscription. Values that it does not have are `None`.
    pub(super) fn read(subscription: &Value) -> Self {
        let items = subscription.get("items").and_then(list);
        Self {
            items: items.into_iter().flatten().filter_map(item).collect(),
            discounts: discounts(subscription),
            is_collection_paused: subscription
                .get("pause_collection")
                .is_some_and(|pause| !pause.is_null()),
        }
    }

    /// What it costs each time, by interval; `None` if the price of an item is not a fixed amount.
    pub fn recurring_prices(&self) -> Option<Vec<RecurringPrice>> {
        let mut prices: Vec<RecurringPrice> = Vec::new();
        for item in &self.items {
            let (amount, interval) = (item.amount()?, item.price.interval?);
            let same = |price: &&mut RecurringPrice| {
                price.interval == interval && price.amount.currency == amount.currency
            };
            match prices.iter_mut().find(same) {
                Some(price) => price.amount.minor = price.amount.minor.saturating_add(amount.minor),
                None => prices.push(RecurringPrice { amount, interval }),
            }
        }
        (!prices.is_empty()).then_some(prices)
    }

    /// The amount of the next payment at `at_secs` with its discounts, before tax and a customer's balance; `None` if the
    /// terms do not say it, for example with a metered price or with items that are billed on different days.
    pub fn next_payment(&self, at_secs: i64) -> Option<Money> {
        let mut total: Option<Money> = None;
        let interval = self.items.first()?.price.interval;
        for item in &self.items {
            if item.price.is_metered || item.price.interval != interval {
                return None;
            }
            let amount = discounted(item.amount()?, &item.discounts, at_secs)?;
            total = Some(match total {
                None => amount,
                Some(sum) if sum.currency == amount.currency => {
                    Money::new(sum.minor.saturating_add(amount.minor), sum.currency)
                }
                Some(_) => return None,
            });
        }
        discounted(total?, &self.discounts, at_secs)
    }

    /// Whether the subscription or one of its items has a discount.
    pub fn has_discount(&self) -> bool {
        !self.discounts.is_empty() || self.items.iter().any(|item| !item.discounts.is_empty())
    }

    /// Whether prices and quantities are the same. The order of the items, discounts and periods do not count.
    pub fn has_same_items(&self, other: &Self) -> bool {
        self.item_names() == other.item_names()
    }

    /// Price ID and quantity of every item, sorted: `price_1:3`.
    pub fn item_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .items
            .iter()
            .map(|item| match item.quantity {
                Some(quantity) => format!("{}:{quantity}", item.price.id),
                None => item.price.id.clone(),
            })
            .collect();
        names.sort();
        names
    }
}

impl TermsItem {
    /// The amount of a period, without discounts; `None` if it is not fixed.
    pub fn amount(&self) -> Option<Money> {
        if self.price.is_metered {
            return None;
        }
        let quantity = match self.price.package {
            Some((size, true)) => self.quantity?.div_ceil(size),
            Some((size, false)) => self.quantity? / size,
            None => self.quantity?,
        };
        let nanos = self.price.unit_nanos?.checked_mul(i128::from(quantity))?;
        let minor = (nanos + NANOS / 2).div_euclid(NANOS);
        Some(Money::new(i64::try_from(minor).ok()?, self.price.currency?))
    }
}

fn discounted(amount: Money, discounts: &[Discount], at_secs: i64) -> Option<Money> {
    let mut minor = amount.minor;
    for discount in discounts {
        match discount {
            Discount::Share {
                ends_at: Some(end), ..
            }
            | Discount::Fixed {
                ends_at: Some(end), ..
            } if *end <= at_secs => {}
            Discount::Share { millionths, .. } => {
                let off = (i128::from(minor) * i128::from(*millionths) + 500_000).div_euclid(1_000_000);
                minor = minor.saturating_sub(i64::try_from(off).ok()?);
            }
            Discount::Fixed { amount: off, .. } if off.currency == amount.currency => {
                minor = minor.saturating_sub(off.minor);
            }
            Discount::Fixed { .. } | Discount::Unread => return None,
        }
    }
    Some(Money::new(minor.max(0), amount.currency))
}

fn item(item: &Value) -> Option<TermsItem> {
    Some(TermsItem {
        id: item.get("id")?.as_str()?.to_owned(),
        price: price(item.get("price").or_else(|| item.get("plan"))?)?,
        quantity: item.get("quantity").and_then(Value::as_u64),
        discounts: discounts(item),
    })
}

fn price(price: &Value) -> Option<Price> {
    let word = |key: &str| price.get(key).and_then(Value::as_str).map(str::to_owned);
    let recurring = price.get("recurring").unwrap_or(price);
    let is_tiered = price.get("billing_scheme").and_then(Value::as_str) == Some("tiered");
    let unit = || {
        let decimal = price
            .get("unit_amount_decimal")
            .and_then(Value::as_str)
            .and_then(nanos);
        decimal.or_else(|| Some(i128::from(price.get("unit_amount")?.as_i64()?) * NANOS))
    };
    let package = price.get("transform_quantity").and_then(|package| {
        let size = package.get("divide_by")?.as_u64().filter(|size| *size > 0)?;
        Some((size, package.get("round")?.as_str()? == "up"))
    });
    Some(Price {
        id: word("id")?,
        product: price
            .get("product")
            .and_then(super::fields::reference)
            .map(str::to_owned),
        lookup_key: word("lookup_key"),
        currency: word("currency").and_then(|code| Currency::parse(&code)),
        unit_nanos: if is_tiered { None } else { unit() },
        package,
        interval: interval(price),
        is_metered: recurring.get("usage_type").and_then(Value::as_str) == Some("metered"),
    })
}

/// Parses a decimal number with up to 12 decimals, such as `0.5`, into [`NANOS`].
fn nanos(text: &str) -> Option<i128> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 12 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let decimals: i128 = format!("{decimals:0<12}").parse().ok()?;
    let decimals = if text.starts_with('-') {
        -decimals
    } else {
        decimals
    };
    whole.checked_mul(NANOS)?.checked_add(decimals)
}

/// The interval of a price, or of a plan, which has the same two fields at its top level.
pub(super) fn interval(price: &Value) -> Option<Interval> {
    let recurring = price
        .get("recurring")
        .filter(|recurring| !recurring.is_null())
        .unwrap_or(price);
    let count = match recurring.get("interval_count") {
        None | Some(Value::Null) => 1,
        Some(count) => u32::try_from(count.as_u64()?).ok()?,
    };
    Interval::every(count, IntervalUnit::parse(recurring.get("interval")?.as_str()?)?)
}

/// The discounts of a subscription or an item: a list since API version 2024-04-10, and one object before.
fn discounts(object: &Value) -> Vec<Discount> {
    let listed = object.get("discounts").and_then(Value::as_array);
    match (listed, object.get("discount")) {
        (Some(listed), _) if !listed.is_empty() => listed.iter().map(discount).collect(),
        (_, Some(one)) if !one.is_null() => vec![discount(one)],
        _ => Vec::new(),
    }
}

fn discount(discount: &Value) -> Discount {
    read_discount(discount).unwrap_or(Discount::Unread)
}

/// The coupon moved into `source` in API version 2025-09-30.clover. `None` where it is only named.
fn read_discount(discount: &Value) -> Option<Discount> {
    let coupon = discount
        .pointer("/source/coupon")
        .or_else(|| discount.get("coupon"))?;
    let ends_at = discount.get("end").and_then(Value::as_i64);
    if let Some(percent) = coupon.get("percent_off").and_then(Value::as_f64) {
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1,000,000"
        )]
        let millionths = (percent * 10_000.0).round() as u64;
        return Some(Discount::Share { millionths, ends_at });
    }
    let currency = Currency::parse(coupon.get("currency")?.as_str()?)?;
    let amount = Money::new(coupon.get("amount_off")?.as_i64()?, currency);
    Some(Discount::Fixed { amount, ends_at })
}

#[cfg(test)]
mod tests;
