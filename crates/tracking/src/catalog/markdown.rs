//! The tracking plan as Markdown: a table of all events, then a section for each event with its properties.

use std::fmt::Write;

use serde_json::Value;

use super::{EventSpec, Owner, catalog};
use crate::context::EVENT_PROPERTIES;
use crate::event_spec::stitched_by_schema;
use crate::properties::UserProperty;
use crate::touch::first_touch_properties;

const INTRODUCTION: &str = "\
# Tracking plan

<!-- Generated from the types in crates/tracking; a test checks that it is current. \
Do not edit: regenerate with `UPDATE_GOLDEN=1 cargo test -p tracking`. -->

Every event has exactly one owner. **Browser** events go through Amplitude's Browser SDK, which adds device, session \
and context; a feature action is tracked after the server confirmed it. **Server** events are written in the \
transaction of the change that they report: a *present* event carries the device and session of the click that caused \
it, a *system* event carries neither. The SDK itself sends `[Amplitude] Page Viewed`, sessions and campaigns.

No event contains a user's name or content that a user wrote. Sections of events with sensitive data say so.

Event names are in sentence case. User actions are named by a noun and a past participle (`Poll created`), system \
events by two nouns (`Poll expiration`). Money is `amount_minor` and `currency`, and becomes Amplitude's revenue fields \
on the wire.

**Revenue** is cash, tax included, in the invoice's currency: what customers paid for invoices of our subscriptions \
(Stripe's `amount_paid`), minus refunds that succeeded, plus refunds that failed afterwards, minus disputes that were lost \
(the disputed amount, without Stripe's fee). Each paid invoice with an amount gives exactly one event with its revenue. \
`tax_minor` is the part that is tax. A payment outside of Stripe counts, with `paid_out_of_band`. A customer's balance, \
a credit note without a refund, a coupon and a won dispute move no money. An invoice without a subscription, or of another \
product, is not revenue of the plan. The ledger page uses the same definition, and counts those invoices separately \
([decision 0010](decisions/0010-revenue.md)).

A trial **converts** with the first paid invoice for a period after its end, also if its amount is zero. From then on \
payments are renewals, and the end is `Subscription expiration`. A payment before the conversion, such as a set-up fee, is a \
`Subscription charge`.
";

/// Returns the tracking plan as Markdown, the content of `docs/TRACKING_PLAN.md`.
pub fn plan_markdown() -> String {
    let specs = catalog();
    let mut page = String::from(INTRODUCTION);
    stitched_by(&mut page);
    context(&mut page);
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

/// Writes the values of `stitched_by` once for all server events, instead of in each event's table.
fn stitched_by(page: &mut String) {
    let values = |owner| stitched_by_schema(owner).map_or_else(String::new, |field| kind(&field));
    line(
        page,
        format_args!(
            "\nEvery server event has the property `stitched_by`: how it got its device and session. Present events: {}. System \
             events: {}.",
            values(Owner::ServerPresent),
            values(Owner::ServerSystem),
        ),
    );
}

/// Writes the properties of the context and of the first touch once, instead of in each event's table.
fn context(page: &mut String) {
    line(
        page,
        format_args!(
            "\nA present event with a session has the **context** of the request that caused it: Amplitude's fields `ip`, `os_name` and \
             `os_version` (browser and version, as in events of the SDK), `device_model` and `language`, and the event properties {}. \
             If the session came from a campaign or another site, it also has the SDK's properties `referring_domain`, `utm_source`, \
             `utm_medium`, `gclid` and so on. An event without a session, and a system event, has none of them.\n\n\
             The **first touch** is set once on the person, with the first `Sign-up completed` or `Sign-in completed` in a browser that has a first touch: {}. \
             All but the landing page are the names that the SDK's attribution uses, so both sides set the same properties.",
            code_list(EVENT_PROPERTIES.iter().map(|(name, _)| *name)),
            code_list(first_touch_properties()),
        ),
    );
}

/// Writing to a `String` cannot fail, so the result is ignored.
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

fn code_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items
        .map(|item| format!("`{item}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Whether a property is described once for all events.
fn is_general(name: &str) -> bool {
    name == "stitched_by" || EVENT_PROPERTIES.iter().any(|(general, _)| *general == name)
}

fn properties(page: &mut String, spec: &EventSpec) {
    let fields = spec.schema["properties"].as_object().into_iter().flatten();
    let mut rows: Vec<_> = fields.filter(|(name, _)| !is_general(name)).collect();
    if rows.is_empty() {
        page.push_str("No event properties.\n");
        return;
    }
    let required = spec.schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    rows.sort_by_key(|(name, _)| name.as_str());
    page.push_str("| property | type | |\n|---|---|---|\n");
    for (name, field) in rows {
        let optional = if required.iter().any(|required| required == name) {
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

/// A property's type: its values if they are a closed list, otherwise the JSON type.
fn kind(field: &Value) -> String {
    let values: Vec<&str> = match (field["oneOf"].as_array(), field["enum"].as_array()) {
        (Some(variants), _) => variants
            .iter()
            .filter_map(|variant| variant["const"].as_str())
            .collect(),
        (None, Some(values)) => values.iter().filter_map(Value::as_str).collect(),
        (None, None) => Vec::new(),
    };
    if !values.is_empty() {
        return code_list(values.into_iter());
    }
    let json_type = match &field["type"] {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|json_type| *json_type != "null"),
        other => other.as_str(),
    };
    match (json_type, field["format"].as_str()) {
        (Some(_), Some("uuid")) => "UUID".to_owned(),
        (Some(json_type), _) => json_type.to_owned(),
        (None, _) => String::new(),
    }
}
