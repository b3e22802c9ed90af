//! Rendering of records as JSON objects of API version 2026-09-30.endive, one function per object type.
//!
//! Attributes of unsupported features are always null.

mod billing;
mod catalog;
mod checkout;
mod events;
mod expand;
mod payments;

pub(crate) use billing::{invoice, subscription, upcoming_invoice};
pub(crate) use catalog::{customer, deleted, price, product};
pub(crate) use checkout::{
    checkout_line, checkout_session, customer_email, portal_configuration, portal_session,
};
pub(crate) use events::{event, test_clock, webhook_endpoint};
pub(crate) use expand::expand;
pub(crate) use payments::{
    charge, dispute, invoice_payment, payment_intent, payment_method, refund, setup_intent,
};

use serde_json::{Value, json};

/// The version of all rendered objects.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// A complete list within an object.
fn inner_list(url: &str, data: Vec<Value>) -> Value {
    json!({"object": "list", "data": data, "has_more": false, "url": url})
}
