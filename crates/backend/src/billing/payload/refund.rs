//! Reads refunds.

use serde_json::Value;
use tracking::{Currency, Money};

use super::PayloadError;
use super::fields::{Fields, reference};

/// A refund. It names the refunded payment but not the subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Stripe's ID.
    pub id: String,
    /// The amount.
    pub amount: Money,
    /// Its status.
    pub status: RefundStatus,
    /// When it was created, in seconds since the epoch, by the clock that moves the customer's subscription.
    pub created: i64,
    /// The refunded payment.
    pub payment_intent: Option<String>,
    /// The refunded charge. Older payments have only this.
    pub charge: Option<String>,
    /// Whether the object states that our balance was never debited.
    pub never_debited: bool,
}

/// Stripe's status of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// The money went to the customer.
    Succeeded,
    /// It failed, or the bank returned it.
    Failed,
    /// Pending or canceled.
    Other,
}

impl Refund {
    /// Reads Stripe's object.
    pub fn read(object: &Value) -> Result<Self, PayloadError> {
        let fields = Fields::of("refund", object)?;
        let currency = fields.required("currency", |value| Currency::parse(value.as_str()?))?;
        Ok(Self {
            id: fields.required("id", Value::as_str)?.to_owned(),
            amount: Money::new(fields.required("amount", not_negative)?, currency),
            status: match fields.optional("status", Value::as_str)? {
                Some("succeeded") => RefundStatus::Succeeded,
                Some("failed") => RefundStatus::Failed,
                _ => RefundStatus::Other,
            },
            created: fields.required("created", Value::as_i64)?,
            payment_intent: fields.optional("payment_intent", reference)?.map(str::to_owned),
            charge: fields.optional("charge", reference)?.map(str::to_owned),
            never_debited: object.get("balance_transaction") == Some(&Value::Null),
        })
    }
}

/// Stripe's amounts of refunds are positive. A negative one would be counted as revenue.
pub(super) fn not_negative(amount: &Value) -> Option<i64> {
    amount.as_i64().filter(|amount| *amount >= 0)
}
