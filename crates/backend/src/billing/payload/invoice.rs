//! Reads invoices.

use std::collections::BTreeMap;

use serde_json::Value;
use tracking::{Currency, Interval, Money};

use super::fields::{Fields, list, metadata, reference};
use super::{PayloadError, subscription};

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
    /// The paid amount.
    pub paid: Money,
    /// The due amount.
    pub due: Money,
    /// Number of payment attempts.
    pub attempts: u32,
    /// Stripe's status: `draft`, `open`, `paid`, `void`, `uncollectible`.
    pub status: Option<String>,
    /// When it was created, in seconds since the epoch, by the clock that moves its subscription.
    pub created: i64,
    /// When it was paid, by the same clock, in seconds since the epoch.
    pub paid_at: Option<i64>,
    /// The interval of its lines, if they contain it.
    pub interval: Option<Interval>,
    /// URL of Stripe's page for the invoice.
    pub hosted_url: Option<String>,
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
            attempts: fields.required("attempt_count", |value| u32::try_from(value.as_u64()?).ok())?,
            status: fields.optional("status", Value::as_str)?.map(str::to_owned),
            created: fields.required("created", Value::as_i64)?,
            paid_at: fields.optional("status_transitions.paid_at", Value::as_i64)?,
            interval: fields
                .optional("lines", list)?
                .and_then(|lines| lines.iter().filter(|line| !is_proration(line)).find_map(interval)),
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
}

/// A proration line does not show the interval of the next period.
fn is_proration(line: &Value) -> bool {
    line["proration"] == true || line["parent"]["subscription_item_details"]["proration"] == true
}

/// Lines of newer API versions do not contain the interval, so it is derived from the length of the period.
fn interval(line: &Value) -> Option<Interval> {
    const DAY: i64 = 86_400;
    subscription::interval(line)
        .or_else(|| subscription::interval(line.get("pricing")?.get("price_details")?))
        .or_else(|| {
            let period = line.get("period")?;
            let seconds = period
                .get("end")?
                .as_i64()?
                .checked_sub(period.get("start")?.as_i64()?)?;
            match seconds / DAY {
                27..=32 => Some(Interval::Month),
                364..=367 => Some(Interval::Year),
                _ => None,
            }
        })
}
