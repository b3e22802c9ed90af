//! The tracking plan as data: `docs/TRACKING_PLAN.md` for readers and a JSON Schema for programs.
//!
//! Everything is generated from the types: purposes are doc comments, properties are fields, and the rest is in the
//! tables of `server` and `client`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{client, server};

mod markdown;

pub use crate::event_spec::{EventSpec, Owner};
pub use markdown::plan_markdown;

/// All events: browser events first, then server events, each in the order of its table.
pub fn catalog() -> Vec<EventSpec> {
    let mut specs = client::specs();
    specs.extend(server::specs());
    specs
}

/// The plan for a program that validates incoming events: a schema of `event_properties` by event type, and the
/// prefixes of event names that belong to the SDK and to Amplitude.
pub fn plan_schema() -> Value {
    let events: Map<String, Value> = catalog()
        .into_iter()
        .map(|spec| (spec.name.to_owned(), spec.schema))
        .collect();
    let mut plan = json!({ "events": events, "ignore_prefixes": ["[Amplitude]", "$", "session_"] });
    plan.sort_all_objects();
    plan
}

/// Event properties that only server events have. The ingest route refuses a browser event with one of them.
pub fn server_only_properties() -> BTreeSet<String> {
    let names = |specs: Vec<EventSpec>| -> BTreeSet<String> {
        let schemas = specs
            .iter()
            .filter_map(|spec| spec.schema["properties"].as_object());
        schemas
            .flat_map(|properties| properties.keys().cloned())
            .collect()
    };
    let (server, browser) = (names(server::specs()), names(client::specs()));
    server.difference(&browser).cloned().collect()
}
