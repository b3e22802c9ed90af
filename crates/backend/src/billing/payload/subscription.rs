//! Reads subscriptions.

use std::collections::BTreeMap;

use super::PayloadError;
use super::fields::{Fields, list, metadata, reference};
use super::terms::SubscriptionTerms;
use serde_json::Value;

/// A subscription, from a webhook or fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Stripe's ID.
    pub id: String,
    /// Stripe's customer.
    pub customer: String,
    /// Stripe's status.
    pub status: StripeStatus,
    /// The metadata, which may contain the IDs of a click.
    pub metadata: BTreeMap<String, String>,
    /// When it was created, in seconds since the epoch, by the clock that moves this subscription. All times of this
    /// type use it.
    pub created: i64,
    /// When it is scheduled to end, if known.
    pub cancel_at: Option<i64>,
    /// Whether it is scheduled to end with the current period.
    pub cancel_at_period_end: bool,
    /// When the cancellation was requested.
    pub canceled_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Start of its trial, if any.
    pub trial_start: Option<i64>,
    /// End of its trial.
    pub trial_end: Option<i64>,
    /// Items, prices and discounts.
    pub terms: SubscriptionTerms,
    /// The current period.
    pub current_period: Option<Period>,
    /// The latest invoice.
    pub latest_invoice: Option<String>,
    /// Its own payment method, if it does not use the customer's.
    pub payment_method: Option<String>,
}

/// A period, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First second.
    pub start: i64,
    /// First second after it.
    pub end: i64,
}

/// Stripe's status of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StripeStatus {
    /// The first payment is pending.
    Incomplete,
    /// The first payment was never made.
    IncompleteExpired,
    /// In the trial.
    Trialing,
    /// Running. The period's payment may still be pending.
    Active,
    /// A payment failed and is retried.
    PastDue,
    /// Ended.
    Canceled,
    /// Payment retries are exhausted, and the subscription was kept.
    Unpaid,
    /// The trial ended without a card, or the subscription was paused.
    Paused,
    /// A status of a later API version.
    Other(String),
}

impl StripeStatus {
    /// Parses Stripe's status.
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
    /// Reads Stripe's object, of any API version with prices.
    pub fn read(object: &Value) -> Result<Self, PayloadError> {
        let fields = Fields::of("subscription", object)?;
        // All items of a period are billed together, except with mixed intervals; then the first one counts.
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
            terms: SubscriptionTerms::read(object),
            // Since API version 2025-03-31.basil the period belongs to the items; before, to the subscription.
            current_period: item.and_then(period).or_else(|| period(object)),
            latest_invoice: fields.optional("latest_invoice", reference)?.map(str::to_owned),
            payment_method: fields
                .optional("default_payment_method", reference)?
                .map(str::to_owned),
        })
    }

    /// Whether a cancellation is scheduled. A portal with flexible billing sets only `cancel_at`.
    pub const fn is_scheduled_to_end(&self) -> bool {
        self.cancel_at_period_end || self.cancel_at.is_some()
    }
}

fn period(of: &Value) -> Option<Period> {
    Some(Period {
        start: of.get("current_period_start")?.as_i64()?,
        end: of.get("current_period_end")?.as_i64()?,
    })
}
