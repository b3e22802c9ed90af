//! The form in which the timelines of two users, from two runs of one scenario, are compared. Pure.
//!
//! Kept of an event: its place in the order of time, name, source, every event property, context, the tracking plan's
//! verdict on it, and whether it has a user, a device, a session and an insert ID, and which other events have the same. Of
//! the user: all user properties at the end.
//!
//! Left out, because it can differ without a defect:
//! - times (upload times, event times, times in properties and in insert IDs): the runs are at different times;
//! - raw IDs: each is replaced by its kind and the number of its first appearance, so that equal IDs stay equal;
//! - `stitched_by`, which says how the IDs were found, not which;
//! - user properties of the browser's events, and those of a server's event that it does not set. Amplitude adds the user's
//!   properties at the time of arrival to an event, and an outage changes that time. Properties that an event sets are the
//!   same whenever it arrives; and the server's events arrive in order, so that the properties at the end are the same.

mod placeholders;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tracking::catalog;
use tracking::received::{ReceivedEvent, Source};

use placeholders::Placeholders;

/// An event without the values that differ between runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparableEvent {
    pub name: String,
    /// Everything else that is compared, by field.
    pub fields: BTreeMap<String, Value>,
}

/// The events in the order of their times, and an entry with the user properties at the end.
pub fn comparable_timeline(
    events: &[ReceivedEvent],
    properties_at_end: &Map<String, Value>,
) -> Vec<ComparableEvent> {
    let mut events: Vec<&ReceivedEvent> = events.iter().collect();
    events.sort_by_key(|event| (event.time_ms, &event.name));
    let mut placeholders = Placeholders::default();
    let mut timeline: Vec<ComparableEvent> = events
        .into_iter()
        .map(|event| comparable_event(event, &mut placeholders))
        .collect();
    let properties = properties_at_end.iter();
    timeline.push(ComparableEvent {
        name: "at the end".to_owned(),
        fields: properties
            .map(|(key, value)| {
                (
                    format!("user property {key}"),
                    placeholders.replace_in_value(value),
                )
            })
            .collect(),
    });
    timeline
}

/// Sum of the events' revenue in minor units. The scenarios are paid in dollars, which have cents.
pub fn revenue_minor(events: &[ReceivedEvent]) -> i64 {
    let amounts = events
        .iter()
        .filter_map(|event| event.properties.get("$revenue")?.as_f64());
    #[expect(clippy::cast_possible_truncation, reason = "an amount in cents")]
    amounts.map(|amount| (amount * 100.0).round() as i64).sum()
}

fn comparable_event(event: &ReceivedEvent, placeholders: &mut Placeholders) -> ComparableEvent {
    let mut id = |kind, id: &Option<String>| match id {
        Some(id) => Value::String(placeholders.of(kind, id)),
        None => Value::Null,
    };
    let user = id("user", &event.user);
    let device = match event.derived_device {
        // Amplitude derives the device of an event without one from its user ID.
        true => json!("derived"),
        false => id("device", &event.device),
    };
    let session = id("session", &event.session.map(|session| session.to_string()));
    let insert_id = event.insert_id.as_deref().map(|id| placeholders.replace_in(id));
    let mut fields = BTreeMap::from([
        ("source".to_owned(), json!(event.source.as_str())),
        ("user".to_owned(), user),
        ("device".to_owned(), device),
        ("session".to_owned(), session),
        ("insert ID".to_owned(), json!(insert_id)),
        ("context".to_owned(), json!(event.context)),
        ("plan".to_owned(), json!(event.plan)),
    ]);
    for (key, value) in event.properties.iter() {
        if key != "stitched_by" {
            fields.insert(format!("property {key}"), placeholders.replace_in_value(value));
        }
    }
    for (key, value) in properties_set_by(event) {
        fields.insert(
            format!("user property {key}"),
            placeholders.replace_in_value(value),
        );
    }
    ComparableEvent {
        name: event.name.clone(),
        fields,
    }
}

/// The user properties that the tracking plan lets the event set.
fn properties_set_by(event: &ReceivedEvent) -> impl Iterator<Item = (&String, &Value)> {
    let spec = catalog::catalog()
        .into_iter()
        .find(|spec| spec.name == event.name);
    let set = match (event.source, spec) {
        (Source::Browser, _) | (_, None) => &[],
        (Source::Server | Source::Stripe, Some(spec)) => spec.user_properties,
    };
    let known = event.user_properties.iter();
    known.filter(|(key, _)| set.iter().any(|property| property.name() == *key))
}

/// The differences of a timeline from the undisturbed one, as sentences. Empty if they are equal.
pub fn differences(disturbed: &[ComparableEvent], undisturbed: &[ComparableEvent]) -> Vec<String> {
    let names = |timeline: &[ComparableEvent]| {
        timeline
            .iter()
            .map(|event| event.name.clone())
            .collect::<Vec<_>>()
    };
    let (here, there) = (names(disturbed), names(undisturbed));
    if here != there {
        return vec![format!("the order is {here:?}\nundisturbed: {there:?}")];
    }
    let mut differences = Vec::new();
    for (index, (disturbed, undisturbed)) in disturbed.iter().zip(undisturbed).enumerate() {
        let mut fields: Vec<&String> = disturbed.fields.keys().chain(undisturbed.fields.keys()).collect();
        fields.sort();
        fields.dedup();
        for field in fields {
            let value = |event: &ComparableEvent| {
                let value = event.fields.get(field);
                value.map_or("missing".to_owned(), Value::to_string)
            };
            let (here, there, name) = (value(disturbed), value(undisturbed), &disturbed.name);
            if here != there {
                differences.push(format!(
                    "{index}. {name}: {field} is {here}; undisturbed: {there}"
                ));
            }
        }
    }
    differences
}
