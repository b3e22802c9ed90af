//! Reads Stripe's webhooks and objects from JSON into the few values that billing needs.
//!
//! A webhook has the shape of its endpoint's API version, so both the older and the newer place of a value are read,
//! and unknown fields are ignored. A value of an unexpected type is an error that names the value; there are no
//! defaults. Reading never panics.

mod dispute;
mod evidence;
mod fields;
mod invoice;
mod refund;
mod subscription;
mod terms;

use serde_json::{Map, Value};

pub(super) use fields::metadata;
use fields::{Fields, reference};

pub use dispute::{Dispute, DisputeStatus};
pub use evidence::NamedPrice;
pub use invoice::{BillingReason, Invoice, InvoiceLine, LineKind};
pub use refund::{Refund, RefundStatus};
pub use subscription::{Period, StripeStatus, Subscription};
pub use terms::{Discount, Price, RecurringPrice, SubscriptionTerms, TermsItem};

/// An object from Stripe could not be read. A retry does not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no readable `{field}` in Stripe's {object}")]
pub struct PayloadError {
    /// The object: `event`, `subscription`, `invoice`, `refund`, `dispute`.
    pub object: &'static str,
    /// Path of the value in the object.
    pub field: &'static str,
}

/// A webhook's event.
#[derive(Clone, Debug, PartialEq)]
pub struct StripeEvent {
    /// Stripe's ID. Two events for one fact have different IDs.
    pub id: String,
    /// Its type, for example `invoice.paid`.
    pub kind: String,
    /// When the change happened, in seconds since the epoch. Always wall clock, even if a test clock moves the objects.
    pub created: i64,
    /// Whether it happened in live mode. Every webhook of Stripe states it; one that does not is a test.
    pub livemode: bool,
    /// The object when the event was created.
    pub object: Value,
    /// Previous values of changed fields. Only types that end in `.updated` have them.
    previous: Map<String, Value>,
}

impl StripeEvent {
    /// Parses and reads the body of a webhook.
    pub fn parse(body: &str) -> Result<Self, PayloadError> {
        let json = serde_json::from_str(body).map_err(|_| PayloadError {
            object: "event",
            field: "JSON",
        })?;
        Self::from_json(json)
    }

    /// Reads the event. Its object is read separately.
    pub fn read(payload: &Value) -> Result<Self, PayloadError> {
        Self::from_json(payload.clone())
    }

    fn from_json(mut payload: Value) -> Result<Self, PayloadError> {
        let fields = Fields::of("event", &payload)?;
        let mut event = Self {
            id: fields.required("id", Value::as_str)?.to_owned(),
            kind: fields.required("type", Value::as_str)?.to_owned(),
            created: fields.required("created", Value::as_i64)?,
            livemode: fields.optional("livemode", Value::as_bool)?.unwrap_or_default(),
            object: Value::Null,
            previous: Map::new(),
        };
        fields.required("data.object", Value::as_object)?;
        let previous = fields.optional("data.previous_attributes", Value::as_object)?;
        event.previous = previous.cloned().unwrap_or_default();
        // Moved, not copied: it is most of the payload.
        event.object = payload["data"]["object"].take();
        Ok(event)
    }

    /// [`Self::created`] in ms since the epoch.
    pub const fn created_ms(&self) -> i64 {
        self.created.saturating_mul(1000)
    }

    /// The object before the change; the object itself without previous values.
    pub fn before(&self) -> Value {
        let mut before = self.object.clone();
        overlay(&mut before, &self.previous);
        before
    }

    /// Stripe's customer, if the object names one. Refunds of older API versions do not.
    pub fn customer(&self) -> Option<&str> {
        if self.object["object"] == "customer" {
            return self.object["id"].as_str();
        }
        self.object.get("customer").and_then(reference)
    }
}

/// Previous values are complete, except that objects contain only their changed keys (stripe-node, `Events.ts`,
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
