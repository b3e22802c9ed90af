//! Refunds.

use serde_json::Value;
use tracking::{Currency, Money};

use super::Unreadable;
use super::fields::{Fields, reference};

/// A refund, from a webhook. It names the payment that it gives back, never the subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Stripe's ID.
    pub id: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: RefundStatus,
    /// When it was made, in seconds since the epoch, by the clock that moves the customer's subscription.
    pub created: i64,
    /// The payment that it gives back.
    pub payment_intent: Option<String>,
    /// The same as a charge; all that older payments have.
    pub charge: Option<String>,
    /// Whether it says that the money never left our balance.
    pub never_left: bool,
}

/// Stripe's status of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// The money went to the customer.
    Succeeded,
    /// It did not, or it came back.
    Failed,
    /// Not known yet, or called off.
    Other,
}

impl Refund {
    /// Reads Stripe's object.
    pub fn read(object: &Value) -> Result<Self, Unreadable> {
        let fields = Fields::of("refund", object)?;
        let currency = fields.required("currency", |value| Currency::parse(value.as_str()?))?;
        Ok(Self {
            id: fields.required("id", Value::as_str)?.to_owned(),
            amount: Money::new(fields.required("amount", Value::as_i64)?, currency),
            status: match fields.optional("status", Value::as_str)? {
                Some("succeeded") => RefundStatus::Succeeded,
                Some("failed") => RefundStatus::Failed,
                _ => RefundStatus::Other,
            },
            created: fields.required("created", Value::as_i64)?,
            payment_intent: fields.optional("payment_intent", reference)?.map(str::to_owned),
            charge: fields.optional("charge", reference)?.map(str::to_owned),
            never_left: object.get("balance_transaction") == Some(&Value::Null),
        })
    }
}
