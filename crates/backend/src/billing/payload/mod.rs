//! Stripe's webhooks and objects, read from JSON into the few values that decisions need.
//!
//! Lenient where Stripe's API versions differ: a webhook has the shape of its endpoint's version, not of ours, so
//! both the old and the new place of a value are looked at, and everything else is ignored. Strict where guessing
//! would be wrong: a value of another type is an error that names it, never a default. Nothing panics.

mod fields;
mod invoice;
mod refund;
mod subscription;

use serde_json::{Map, Value};

use fields::{Fields, reference};

pub use invoice::{BillingReason, Invoice};
pub use refund::{Refund, RefundStatus};
pub use subscription::{Period, StripeStatus, Subscription};

/// Something that Stripe sent has another shape than we know. It will not get better by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no readable `{field}` in Stripe's {object}")]
pub struct Unreadable {
    /// What was being read: `event`, `subscription`, `invoice`, `refund`.
    pub object: &'static str,
    /// Path of the value inside it.
    pub field: &'static str,
}

/// One webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct StripeEvent {
    /// Stripe's ID of it. A second event for the same fact has another one.
    pub id: String,
    /// Its type, as `invoice.paid`.
    pub kind: String,
    /// When the change happened, in seconds since the epoch: wall clock, even where a test clock moves the objects.
    pub created: i64,
    /// The object as it was when the event was made.
    pub object: Value,
    /// Old values of what changed; only types that end in `.updated` have them.
    previous: Map<String, Value>,
}

impl StripeEvent {
    /// Reads the envelope. The object is read by whoever needs it.
    pub fn read(payload: &Value) -> Result<Self, Unreadable> {
        let fields = Fields::of("event", payload)?;
        Ok(Self {
            id: fields.required("id", Value::as_str)?.to_owned(),
            kind: fields.required("type", Value::as_str)?.to_owned(),
            created: fields.required("created", Value::as_i64)?,
            object: Value::Object(fields.required("data.object", Value::as_object)?.clone()),
            previous: fields
                .optional("data.previous_attributes", Value::as_object)?
                .cloned()
                .unwrap_or_default(),
        })
    }

    /// [`Self::created`] in ms since the epoch.
    pub const fn created_ms(&self) -> i64 {
        self.created.saturating_mul(1000)
    }

    /// The object as it was before the change; without old values, as it is.
    pub fn before(&self) -> Value {
        let mut before = self.object.clone();
        overlay(&mut before, &self.previous);
        before
    }

    /// Stripe's customer behind the object, if it names one. Refunds of older API versions do not.
    pub fn customer(&self) -> Option<&str> {
        if self.object["object"] == "customer" {
            return self.object["id"].as_str();
        }
        self.object.get("customer").and_then(reference)
    }
}

/// Old values are given whole, but of a hash only those keys that changed (stripe-node, `Events.ts`,
/// "previous_attributes").
fn overlay(now: &mut Value, previous: &Map<String, Value>) {
    for (key, was) in previous {
        match (&mut now[key.as_str()], was) {
            (is @ Value::Object(_), Value::Object(was)) => overlay(is, was),
            (is, was) => *is = was.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
