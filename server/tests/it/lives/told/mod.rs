//! What a story tells, whoever’s it is and whenever it was: the form in which two people’s stories are compared. Pure.
//!
//! Kept of an event: its place in the order of time, name, source, every event property, context, the plan’s word on it, and
//! whether it has a user, a device, a session and an insert ID, and the same as which other event. Of the person: all their
//! properties in the end.
//!
//! Dropped, because it may be different where the same happened:
//! - moments (upload times, the times themselves, moments in properties and in insert IDs): another walk is at another time;
//! - raw IDs: each becomes its kind with the place of its first appearance, so that equal ones stay equal;
//! - `stitched_by`, which says by which way IDs came, not which;
//! - user properties of the browser’s events, and those of a server’s event that it does not set itself. Amplitude stamps an
//!   event with the person’s properties at the moment of its arrival, and an outage moves that moment. What an event sets
//!   itself is in its stamp whenever it arrives; and the server’s events arrive in their order, so that in the end the
//!   properties are the same.

mod names;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tracking::catalog;
use tracking::received::{ReceivedEvent, Source};

use names::Names;

/// An event of somebody, as anybody’s.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub name: String,
    /// All that is compared besides: the field, and what it says.
    pub fields: BTreeMap<String, Value>,
}

/// The events in the order in which they happened, and after them the person’s properties in the end.
pub fn story(events: &[ReceivedEvent], in_the_end: &Map<String, Value>) -> Vec<Told> {
    let mut events: Vec<&ReceivedEvent> = events.iter().collect();
    events.sort_by_key(|event| (event.time_ms, &event.name));
    let mut names = Names::default();
    let mut story: Vec<Told> = events.into_iter().map(|event| told(event, &mut names)).collect();
    let properties = in_the_end.iter();
    story.push(Told {
        name: "in the end".to_owned(),
        fields: properties
            .map(|(key, value)| (format!("user property {key}"), names.tell_value(value)))
            .collect(),
    });
    story
}

/// Minor units of revenue in the events. Lives are paid in dollars, which have cents.
pub fn revenue(events: &[ReceivedEvent]) -> i64 {
    let amounts = events
        .iter()
        .filter_map(|event| event.properties.get("$revenue")?.as_f64());
    #[expect(clippy::cast_possible_truncation, reason = "an amount in cents")]
    amounts.map(|amount| (amount * 100.0).round() as i64).sum()
}

fn told(event: &ReceivedEvent, names: &mut Names) -> Told {
    let mut id = |kind, id: &Option<String>| match id {
        Some(id) => Value::String(names.of(kind, id)),
        None => Value::Null,
    };
    let user = id("user", &event.user);
    let device = match event.derived_device {
        // Amplitude makes it of the user ID where an event has none.
        true => json!("derived"),
        false => id("device", &event.device),
    };
    let session = id("session", &event.session.map(|session| session.to_string()));
    let insert_id = event.insert_id.as_deref().map(|id| names.tell(id));
    let mut fields = BTreeMap::from([
        ("source".to_owned(), json!(event.source.as_str())),
        ("user".to_owned(), user),
        ("device".to_owned(), device),
        ("session".to_owned(), session),
        ("insert ID".to_owned(), json!(insert_id)),
        ("context".to_owned(), json!(event.context)),
        ("plan".to_owned(), json!(event.plan)),
    ]);
    for (key, value) in &event.properties {
        if key != "stitched_by" {
            fields.insert(format!("property {key}"), names.tell_value(value));
        }
    }
    for (key, value) in set_by_itself(event) {
        fields.insert(format!("user property {key}"), names.tell_value(value));
    }
    Told {
        name: event.name.clone(),
        fields,
    }
}

/// The user properties that the plan lets it set.
fn set_by_itself(event: &ReceivedEvent) -> impl Iterator<Item = (&String, &Value)> {
    let spec = catalog::catalog()
        .into_iter()
        .find(|spec| spec.name == event.name);
    let set = match (event.source, spec) {
        (Source::Browser, _) | (_, None) => &[],
        (Source::Server | Source::Stripe, Some(spec)) => spec.user_properties,
    };
    let stamped = event.user_properties.iter();
    stamped.filter(|(key, _)| set.iter().any(|property| property.name() == *key))
}

/// In what a story differs from another one, in words. Nothing: they are equal.
pub fn differences(here: &[Told], there: &[Told]) -> Vec<String> {
    let names = |story: &[Told]| story.iter().map(|told| told.name.clone()).collect::<Vec<_>>();
    let (here_names, there_names) = (names(here), names(there));
    if here_names != there_names {
        return vec![format!(
            "told in this order: {here_names:?}\nand in peace in this: {there_names:?}"
        )];
    }
    let mut differences = Vec::new();
    for (place, (here, there)) in here.iter().zip(there).enumerate() {
        let mut fields: Vec<&String> = here.fields.keys().chain(there.fields.keys()).collect();
        fields.sort();
        fields.dedup();
        for field in fields {
            let said = |told: &Told| {
                told.fields
                    .get(field)
                    .map_or("nothing".to_owned(), Value::to_string)
            };
            if said(here) != said(there) {
                let (here, there, name) = (said(here), said(there), &here.name);
                differences.push(format!(
                    "{place}. {name}: {field} is {here}, and in peace {there}"
                ));
            }
        }
    }
    differences
}
