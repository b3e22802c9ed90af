//! Subscriptions.

use std::collections::BTreeMap;

use serde_json::Value;
use tracking::Interval;

use super::Unreadable;
use super::fields::{Fields, list, metadata, reference};

/// A subscription, from a webhook or fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Stripe's ID.
    pub id: String,
    /// Stripe's customer.
    pub customer: String,
    /// Stripe's word for where it stands.
    pub status: StripeStatus,
    /// What a click of ours wrote, among other things.
    pub metadata: BTreeMap<String, String>,
    /// When it was made, in seconds since the epoch, by the clock that moves this subscription; as all moments here.
    pub created: i64,
    /// When it is going to end, if that is known.
    pub cancel_at: Option<i64>,
    /// Whether it ends with the running period.
    pub cancel_at_period_end: bool,
    /// When somebody asked for the end.
    pub canceled_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Start of its trial, if it has or had one.
    pub trial_start: Option<i64>,
    /// End of its trial.
    pub trial_end: Option<i64>,
    /// Stripe's ID of what is paid for in it.
    pub item: Option<String>,
    /// How often it is paid; `None` for anything but each month or each year.
    pub interval: Option<Interval>,
    /// Our name of its price.
    pub lookup_key: Option<String>,
    /// What is paid for now.
    pub current_period: Option<Period>,
    /// The invoice that was made last.
    pub latest_invoice: Option<String>,
    /// What it is charged to, where that is not the customer's.
    pub payment_method: Option<String>,
}

/// From when to when, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first second.
    pub start: i64,
    /// The first second after it.
    pub end: i64,
}

/// Stripe's status of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StripeStatus {
    /// The first payment is awaited.
    Incomplete,
    /// The first payment never came.
    IncompleteExpired,
    /// In the trial.
    Trialing,
    /// Running; the payment of the period may still be outstanding.
    Active,
    /// A payment failed, and is tried again.
    PastDue,
    /// Ended.
    Canceled,
    /// A payment failed for good, and the subscription was kept.
    Unpaid,
    /// The trial ended without a card, or somebody paused it.
    Paused,
    /// A word of a later API version.
    Other(String),
}

impl StripeStatus {
    /// Reads Stripe's word.
    pub fn read(word: &str) -> Self {
        match word {
            "incomplete" => Self::Incomplete,
            "incomplete_expired" => Self::IncompleteExpired,
            "trialing" => Self::Trialing,
            "active" => Self::Active,
            "past_due" => Self::PastDue,
            "canceled" => Self::Canceled,
            "unpaid" => Self::Unpaid,
            "paused" => Self::Paused,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Subscription {
    /// Reads Stripe's object, of any API version since prices came.
    pub fn read(object: &Value) -> Result<Self, Unreadable> {
        let fields = Fields::of("subscription", object)?;
        // Pro is one price; a second item would be somebody's experiment in the dashboard.
        let item = fields.optional("items", list)?.and_then(|items| items.first());
        Ok(Self {
            id: fields.required("id", Value::as_str)?.to_owned(),
            customer: fields.required("customer", reference)?.to_owned(),
            status: StripeStatus::read(fields.required("status", Value::as_str)?),
            metadata: fields.optional("metadata", metadata)?.unwrap_or_default(),
            created: fields.required("created", Value::as_i64)?,
            cancel_at: fields.optional("cancel_at", Value::as_i64)?,
            cancel_at_period_end: fields.required("cancel_at_period_end", Value::as_bool)?,
            canceled_at: fields.optional("canceled_at", Value::as_i64)?,
            ended_at: fields.optional("ended_at", Value::as_i64)?,
            trial_start: fields.optional("trial_start", Value::as_i64)?,
            trial_end: fields.optional("trial_end", Value::as_i64)?,
            item: item.and_then(|item| item.get("id")?.as_str()).map(str::to_owned),
            interval: item
                .and_then(interval)
                .or_else(|| object.get("plan").and_then(each)),
            lookup_key: item
                .and_then(|item| item.get("price")?.get("lookup_key")?.as_str())
                .map(str::to_owned),
            // Since 2025-03-31.basil the items have the period, before it the subscription had.
            current_period: item.and_then(period).or_else(|| period(object)),
            latest_invoice: fields.optional("latest_invoice", reference)?.map(str::to_owned),
            payment_method: fields
                .optional("default_payment_method", reference)?
                .map(str::to_owned),
        })
    }

    /// Whether it is going to end because somebody asked for it. Portals that bill flexibly set only `cancel_at`.
    pub const fn is_scheduled_to_end(&self) -> bool {
        self.cancel_at_period_end || self.cancel_at.is_some()
    }
}

/// The interval of anything that has a price: an item of a subscription, a line of an invoice.
pub(super) fn interval(priced: &Value) -> Option<Interval> {
    ["price", "plan"]
        .into_iter()
        .find_map(|key| each(priced.get(key)?))
}

/// The interval of a price, or of a plan, its predecessor, which has the same two values at its top.
fn each(price: &Value) -> Option<Interval> {
    let recurring = price.get("recurring").unwrap_or(price);
    let once = recurring
        .get("interval_count")
        .is_none_or(|count| count.as_i64() == Some(1));
    match recurring.get("interval")?.as_str()? {
        "month" if once => Some(Interval::Month),
        "year" if once => Some(Interval::Year),
        _ => None,
    }
}

fn period(of: &Value) -> Option<Period> {
    Some(Period {
        start: of.get("current_period_start")?.as_i64()?,
        end: of.get("current_period_end")?.as_i64()?,
    })
}
