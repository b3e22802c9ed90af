//! Reads invoices.

use std::collections::BTreeMap;

use serde_json::Value;
use tracking::{Currency, Interval, IntervalUnit, Money, Payment};

use super::fields::{Fields, list, metadata, reference};
use super::{PayloadError, Period, terms};

/// An invoice, from a webhook or from Stripe's list of a subscription's paid invoices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Stripe's ID.
    pub id: String,
    /// Stripe's customer.
    pub customer: Option<String>,
    /// Its subscription, if any.
    pub subscription: Option<String>,
    /// The subscription's metadata when the invoice was created.
    pub metadata: BTreeMap<String, String>,
    /// Why the invoice was created.
    pub reason: BillingReason,
    /// The paid amount, tax included.
    pub paid: Money,
    /// The due amount.
    pub due: Money,
    /// Sum of the lines with discounts and tax, before the customer's balance, in minor units.
    pub total_minor: i64,
    /// The tax in the total, in minor units.
    pub tax_minor: i64,
    /// Whether it was paid outside of Stripe.
    pub paid_out_of_band: bool,
    /// Number of payment attempts.
    pub attempts: u32,
    /// Stripe's status: `draft`, `open`, `paid`, `void`, `uncollectible`.
    pub status: Option<String>,
    /// When it was created, in seconds since the epoch, by the clock that moves its subscription.
    pub created: i64,
    /// When it was paid, by the same clock, in seconds since the epoch.
    pub paid_at: Option<i64>,
    /// Its lines, as far as the object has them.
    pub lines: Vec<InvoiceLine>,
    /// URL of Stripe's page for the invoice.
    pub hosted_url: Option<String>,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    /// What it charges.
    pub kind: LineKind,
    /// Stripe's ID of the price.
    pub price: Option<String>,
    /// Stripe's product.
    pub product: Option<String>,
    /// The time that it charges.
    pub period: Option<Period>,
    /// The price's interval. Only lines of older API versions have it.
    interval: Option<Interval>,
}

/// What a line of an invoice charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A period of a subscription's item.
    Period,
    /// A part of a period, because the subscription changed.
    Proration,
    /// Something else: a set-up fee, or what staff added.
    Extra,
}

/// Stripe's `billing_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillingReason {
    /// A subscription started.
    SubscriptionCreate,
    /// A new period started.
    SubscriptionCycle,
    /// A subscription was changed.
    SubscriptionUpdate,
    /// Another or an unknown reason.
    Other,
}

impl Invoice {
    /// Reads Stripe's object. The preview in `invoice.upcoming` has no ID and is an error.
    pub fn read(object: &Value) -> Result<Self, PayloadError> {
        let fields = Fields::of("invoice", object)?;
        let currency = fields.required("currency", |value| Currency::parse(value.as_str()?))?;
        let amount = |path| Ok(Money::new(fields.required(path, Value::as_i64)?, currency));
        // These fields moved in API version 2025-03-31.basil.
        let subscription = fields.either(
            ["parent.subscription_details.subscription", "subscription"],
            reference,
        )?;
        let metadata = fields.either(
            [
                "parent.subscription_details.metadata",
                "subscription_details.metadata",
            ],
            metadata,
        )?;
        Ok(Self {
            id: fields.required("id", Value::as_str)?.to_owned(),
            customer: fields.optional("customer", reference)?.map(str::to_owned),
            subscription: subscription.map(str::to_owned),
            metadata: metadata.unwrap_or_default(),
            reason: match fields.optional("billing_reason", Value::as_str)? {
                Some("subscription_create") => BillingReason::SubscriptionCreate,
                Some("subscription_cycle") => BillingReason::SubscriptionCycle,
                Some("subscription_update") => BillingReason::SubscriptionUpdate,
                _ => BillingReason::Other,
            },
            paid: amount("amount_paid")?,
            due: amount("amount_due")?,
            total_minor: match fields.optional("total", Value::as_i64)? {
                Some(total) => total,
                None => fields.required("amount_due", Value::as_i64)?,
            },
            tax_minor: tax(object),
            paid_out_of_band: object.get("paid_out_of_band") == Some(&Value::Bool(true))
                || fields.optional("payments", list)?.is_some_and(|payments| {
                    payments
                        .iter()
                        .any(|one| one["payment"]["type"] == "payment_record")
                }),
            attempts: fields.required("attempt_count", |value| u32::try_from(value.as_u64()?).ok())?,
            status: fields.optional("status", Value::as_str)?.map(str::to_owned),
            created: fields.required("created", Value::as_i64)?,
            paid_at: fields.optional("status_transitions.paid_at", Value::as_i64)?,
            lines: fields
                .optional("lines", list)?
                .map(|lines| lines.iter().map(InvoiceLine::read).collect())
                .unwrap_or_default(),
            hosted_url: fields
                .optional("hosted_invoice_url", Value::as_str)?
                .map(str::to_owned),
        })
    }

    /// The sort key among the subscription's payments. Ordered by time of payment, so that a late payment does not
    /// change the role of earlier ones.
    pub fn payment_order(&self) -> (i64, i64, &str) {
        (self.paid_at.unwrap_or(self.created), self.created, &self.id)
    }

    /// The cash that this invoice moved. If a customer's balance paid a part of the total, the tax is divided in proportion.
    pub fn payment(&self) -> Payment {
        let share = |tax: i64| {
            if self.total_minor <= 0 || self.paid.minor >= self.total_minor {
                return tax;
            }
            let (paid, total) = (i128::from(self.paid.minor), i128::from(self.total_minor));
            let exact = i128::from(tax) * paid * 2 + total;
            i64::try_from(exact.div_euclid(total * 2)).unwrap_or(tax)
        };
        Payment {
            amount: self.paid,
            tax_minor: share(self.tax_minor).min(self.paid.minor),
            paid_out_of_band: self.paid_out_of_band,
        }
    }

    /// The period of the subscription that it charges: the latest one of its lines. `None` for an invoice of prorations or
    /// extras only.
    pub fn service_period(&self) -> Option<Period> {
        self.period_lines()
            .filter_map(|line| line.period)
            .max_by_key(|period| (period.end, period.start))
    }

    /// The interval of the price that it charges, if `known` or the lines have it; otherwise the length of the period.
    pub fn interval(&self, known: impl Fn(&str) -> Option<Interval>) -> Option<Interval> {
        let read = |line: &InvoiceLine| line.interval.or_else(|| known(line.price.as_deref()?));
        self.period_lines()
            .find_map(read)
            .or_else(|| self.service_period().and_then(calendar_interval))
    }

    fn period_lines(&self) -> impl Iterator<Item = &InvoiceLine> {
        self.lines.iter().filter(|line| line.kind == LineKind::Period)
    }
}

impl InvoiceLine {
    fn read(line: &Value) -> Self {
        let details = &line["parent"]["subscription_item_details"];
        let kind = if line["proration"] == true || details["proration"] == true {
            LineKind::Proration
        } else if line["type"] == "invoiceitem" || !line["parent"]["invoice_item_details"].is_null() {
            LineKind::Extra
        } else {
            LineKind::Period
        };
        // The price moved in API version 2025-03-31.basil.
        let places = [
            &line["pricing"]["price_details"]["price"],
            &line["price"],
            &line["plan"],
        ];
        let price = places.into_iter().find(|place| !place.is_null());
        let product = [
            &line["pricing"]["price_details"]["product"],
            &line["price"]["product"],
        ];
        Self {
            kind,
            price: price.and_then(reference).map(str::to_owned),
            product: product.into_iter().find_map(reference).map(str::to_owned),
            period: period(line),
            interval: places.into_iter().find_map(terms::interval),
        }
    }
}

fn period(line: &Value) -> Option<Period> {
    let period = line.get("period")?;
    Some(Period {
        start: period.get("start")?.as_i64()?,
        end: period.get("end")?.as_i64()?,
    })
}

/// The taxes of an invoice. The field was renamed twice.
fn tax(object: &Value) -> i64 {
    let sum = |taxes: &Vec<Value>| {
        let amounts = taxes.iter().filter_map(|tax| tax["amount"].as_i64());
        amounts.fold(0, i64::saturating_add)
    };
    ["total_taxes", "total_tax_amounts"]
        .into_iter()
        .find_map(|key| object.get(key)?.as_array())
        .map_or_else(|| object["tax"].as_i64().unwrap_or_default(), sum)
}

/// The interval that begins and ends with the period: whole months by the calendar (UTC), otherwise weeks or days.
fn calendar_interval(period: Period) -> Option<Interval> {
    const DAY: i64 = 86_400;
    let date = |second| Some(time::OffsetDateTime::from_unix_timestamp(second).ok()?.date());
    let days = u32::try_from(period.end.checked_sub(period.start)? / DAY).ok()?;
    let (start, end) = (date(period.start)?, date(period.end)?);
    let month_of = |date: time::Date| i64::from(date.year()) * 12 + i64::from(u8::from(date.month()));
    let months = u32::try_from(month_of(end) - month_of(start)).ok()?;
    // A period that starts on the 31st ends on the last day of a shorter month.
    let is_last_day = end.next_day().is_none_or(|next| next.month() != end.month());
    let is_same_day = end.day() == start.day() || (is_last_day && end.day() < start.day());
    match (months, days) {
        (1.., _) if is_same_day && months % 12 == 0 => Interval::every(months / 12, IntervalUnit::Year),
        (1.., _) if is_same_day => Interval::every(months, IntervalUnit::Month),
        (_, days) if days % 7 == 0 => Interval::every(days / 7, IntervalUnit::Week),
        (_, days) => Interval::every(days, IntervalUnit::Day),
    }
}
