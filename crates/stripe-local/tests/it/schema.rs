//! Validates objects with the JSON Schema of stripe-node's types (tests/schema).

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock},
};

use jsonschema::Validator;
use serde_json::{Value, json};

/// Value of `object`, and name of the type in the schema.
const TYPES: [(&str, &str); 15] = [
    ("customer", "customer"),
    ("subscription", "subscription"),
    ("invoice", "invoice"),
    ("invoice_payment", "invoice_payment"),
    ("price", "price"),
    ("product", "product"),
    ("payment_method", "payment_method"),
    ("payment_intent", "payment_intent"),
    ("setup_intent", "setup_intent"),
    ("charge", "charge"),
    ("refund", "refund"),
    ("checkout.session", "checkout_session"),
    ("billing_portal.session", "portal_session"),
    ("test_helpers.test_clock", "test_clock"),
    ("event", "event"),
];

fn validator(name: &'static str) -> &'static Validator {
    static COMPILED: Mutex<BTreeMap<&str, &'static Validator>> = Mutex::new(BTreeMap::new());
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let schema =
        SCHEMA.get_or_init(|| serde_json::from_str(include_str!("../schema/stripe.json")).expect("JSON"));
    let mut compiled = COMPILED.lock().expect("no test panics while compiling");
    compiled.entry(name).or_insert_with(|| {
        let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"]});
        Box::leak(Box::new(jsonschema::validator_for(&schema).expect("a schema")))
    })
}

/// Panics with all reasons if `value`, or an element of a list, does not match Stripe's type.
pub(crate) fn check(value: &Value) {
    let reasons = reasons(value);
    assert!(reasons.is_empty(), "{reasons:#?}\n{value:#}");
}

/// Why `value`, or an element of a list, does not match Stripe's type.
pub(crate) fn reasons(value: &Value) -> Vec<String> {
    if value["deleted"] == true {
        return Vec::new();
    }
    let object = value["object"].as_str();
    if object == Some("list") {
        let elements = value["data"].as_array().expect("a list");
        return elements.iter().flat_map(reasons).collect();
    }
    let Some((_, name)) = TYPES.iter().find(|(known, _)| Some(*known) == object) else {
        return Vec::new();
    };
    let mut checked = value.clone();
    if object == Some("invoice") && checked.get("id").is_none() {
        // The types require an ID, but Stripe sends upcoming invoices without one.
        checked["id"] = json!("in_upcoming");
    }
    let mut found: Vec<String> = validator(name)
        .iter_errors(&checked)
        .map(|error| format!("{name}{}: {error}", error.instance_path()))
        .collect();
    if object == Some("event") {
        found.extend(reasons(&value["data"]["object"]));
    }
    found
}
