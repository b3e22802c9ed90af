//! The plan as a page: one table to find an event, then one section for each with its properties.

use std::fmt::Write;

use serde_json::Value;

use super::{EventSpec, Owner, catalog};
use crate::properties::UserProperty;

const INTRODUCTION: &str = "\
# Tracking plan

<!-- Generated from the types in crates/tracking; a test keeps it fresh. \
Do not edit: `UPDATE_GOLDEN=1 cargo test -p tracking` writes it. -->

Every event has exactly one owner. **Browser** events go through Amplitude's Browser SDK, which adds device, session \
and context; a feature action is tracked only after the server confirmed it. **Server** events are written in the \
transaction of the change that they report: a *present* event carries the device and session of the click behind it, \
a *system* event carries neither. `[Amplitude] Page Viewed`, sessions and campaigns are the SDK's own.

No event names a person or says what somebody wrote; where one carries something sensitive, its section says so.

Names are in sentence case: what a person does is noun and past participle, what the system does is noun and noun. \
Money is `amount_minor` and `currency`; it becomes Amplitude's revenue fields on the wire.
";

/// The whole plan as Markdown: `docs/TRACKING_PLAN.md`.
pub fn plan_markdown() -> String {
    let specs = catalog();
    let mut page = String::from(INTRODUCTION);
    stitched_by(&mut page);
    page.push_str("\n| event | owner | insert ID | user properties |\n|---|---|---|---|\n");
    for spec in &specs {
        let anchor = spec.name.to_lowercase().replace(' ', "-");
        line(
            &mut page,
            format_args!(
                "| [{}](#{anchor}) | {} | {} | {} |",
                spec.name,
                owner(spec.owner),
                insert_id(spec),
                names(spec.user_properties),
            ),
        );
    }
    for spec in &specs {
        line(
            &mut page,
            format_args!("\n## {}\n\n{}\n", spec.name, spec.purpose),
        );
        properties(&mut page, spec);
    }
    page
}

/// Said once for all server events instead of in each one's table.
fn stitched_by(page: &mut String) {
    let words = |owner| super::stitched_by(owner).map_or_else(String::new, |field| kind(&field));
    line(
        page,
        format_args!(
            "\nEvery server event says in `stitched_by` how it got its device and session. Present: {}. System: {}.",
            words(Owner::ServerPresent),
            words(Owner::ServerSystem),
        ),
    );
}

/// Writing to a `String` cannot fail, so there is nothing to hand on.
fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(page, "{text}");
}

fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Browser => "browser",
        Owner::ServerPresent => "server, present",
        Owner::ServerSystem => "server, system",
    }
}

fn insert_id(spec: &EventSpec) -> String {
    match spec.owner {
        Owner::Browser => spec.insert_id.to_owned(),
        Owner::ServerPresent | Owner::ServerSystem => code_list(spec.insert_id.split(", ")),
    }
}

fn names(properties: &[UserProperty]) -> String {
    code_list(properties.iter().map(|property| property.name()))
}

fn code_list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn properties(page: &mut String, spec: &EventSpec) {
    let fields = spec.schema["properties"].as_object().into_iter().flatten();
    let mut rows: Vec<_> = fields.filter(|(name, _)| *name != "stitched_by").collect();
    if rows.is_empty() {
        page.push_str("No properties of its own.\n");
        return;
    }
    let required = spec.schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    rows.sort_by_key(|(name, _)| name.as_str());
    page.push_str("| property | type | |\n|---|---|---|\n");
    for (name, field) in rows {
        let optional = if required.iter().any(|word| word == name) {
            ""
        } else {
            ", optional"
        };
        let note = field["description"]
            .as_str()
            .unwrap_or_default()
            .replace('\n', " ");
        line(
            page,
            format_args!("| `{name}` | {}{optional} | {note} |", kind(field)),
        );
    }
}

/// A property's type in a few words: its values if they are a closed list, else the JSON type.
fn kind(field: &Value) -> String {
    let words: Vec<&str> = match (field["oneOf"].as_array(), field["enum"].as_array()) {
        (Some(variants), _) => variants
            .iter()
            .filter_map(|variant| variant["const"].as_str())
            .collect(),
        (None, Some(values)) => values.iter().filter_map(Value::as_str).collect(),
        (None, None) => Vec::new(),
    };
    if !words.is_empty() {
        return code_list(words.into_iter());
    }
    let json_type = match &field["type"] {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|word| *word != "null"),
        other => other.as_str(),
    };
    match (json_type, field["format"].as_str()) {
        (Some(_), Some("uuid")) => "UUID".to_owned(),
        (Some(word), _) => word.to_owned(),
        (None, _) => String::new(),
    }
}
