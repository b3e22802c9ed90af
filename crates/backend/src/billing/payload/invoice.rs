//! Invoices.

use std::collections::BTreeMap;

use serde_json::Value;
use tracking::{Currency, Interval, Money};

use super::fields::{Fields, list, metadata, reference};
use super::{Unreadable, subscription};

/// An invoice, from a webhook or from Stripe's list of a subscription's paid ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Stripe's ID.
    pub id: String,
    /// Stripe's customer.
    pub customer: Option<String>,
    /// The subscription that it is for, if it is for one.
    pub subscription: Option<String>,
    /// The subscription's metadata when the invoice was made.
    pub metadata: BTreeMap<String, String>,
    /// Why it was made.
    pub reason: BillingReason,
    /// What came in for it.
    pub paid: Money,
    /// What was asked for.
    pub due: Money,
    /// How often Stripe has tried to collect it.
    pub attempts: u32,
    /// Stripe's word for where it stands: `draft`, `open`, `paid`, `void`, `uncollectible`.
    pub status: Option<String>,
    /// When it was made, in seconds since the epoch, by the clock that moves its subscription.
    pub created: i64,
    /// When it was paid, by the same clock.
    pub paid_at: Option<i64>,
    /// How often what it is for is paid, as far as it says so itself.
    pub interval: Option<Interval>,
    /// Stripe's page of it.
    pub hosted_url: Option<String>,
}

/// Stripe's `billing_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillingReason {
    /// A subscription began.
    SubscriptionCreate,
    /// Another period began.
    SubscriptionCycle,
    /// A subscription was changed.
    SubscriptionUpdate,
    /// By hand, by threshold, or a reason that came later.
    Other,
}

impl Invoice {
    /// Reads Stripe's object. The preview in `invoice.upcoming` has no ID, and so is no invoice.
    pub fn read(object: &Value) -> Result<Self, Unreadable> {
        let fields = Fields::of("invoice", object)?;
        let currency = fields.required("currency", |value| Currency::parse(value.as_str()?))?;
        let amount = |path| Ok(Money::new(fields.required(path, Value::as_i64)?, currency));
        // The links moved in 2025-03-31.basil.
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

    /// Where it stands among its subscription's payments. By the moment of payment, so that one that is paid late
    /// never changes what an earlier payment was.
    pub fn payment_order(&self) -> (i64, i64, &str) {
        (self.paid_at.unwrap_or(self.created), self.created, &self.id)
    }
}

/// A line for the rest of a period says nothing of the next one.
fn is_proration(line: &Value) -> bool {
    line["proration"] == true || line["parent"]["subscription_item_details"]["proration"] == true
}

/// New lines name their price by ID only, but their period is as long as the interval.
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
