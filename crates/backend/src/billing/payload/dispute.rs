//! Reads disputes.

use serde_json::Value;
use tracking::{Currency, Money};

use super::PayloadError;
use super::fields::{Fields, reference};
use super::refund::not_negative;

/// A dispute. It names the disputed payment but neither the customer nor the subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Stripe's ID.
    pub id: String,
    /// The disputed amount, without Stripe's fee.
    pub amount: Money,
    /// Its status.
    pub status: DisputeStatus,
    /// When it was opened, in seconds since the epoch.
    pub created: i64,
    /// The disputed payment.
    pub payment_intent: Option<String>,
    /// The disputed charge.
    pub charge: Option<String>,
}

/// Stripe's status of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeStatus {
    /// Closed: the customer's bank keeps the money.
    Lost,
    /// Open, won, or a warning.
    Other,
}

impl Dispute {
    /// Reads Stripe's object.
    pub fn read(object: &Value) -> Result<Self, PayloadError> {
        let fields = Fields::of("dispute", object)?;
        let currency = fields.required("currency", |value| Currency::parse(value.as_str()?))?;
        Ok(Self {
            id: fields.required("id", Value::as_str)?.to_owned(),
            amount: Money::new(fields.required("amount", not_negative)?, currency),
            status: match fields.required("status", Value::as_str)? {
                "lost" => DisputeStatus::Lost,
                _ => DisputeStatus::Other,
            },
            created: fields.required("created", Value::as_i64)?,
            payment_intent: fields.optional("payment_intent", reference)?.map(str::to_owned),
            charge: fields.optional("charge", reference)?.map(str::to_owned),
        })
    }
}
