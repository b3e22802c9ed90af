//! A user's timeline with roles instead of IDs. Pure.
//!
//! Two users have different IDs. Each ID is replaced by its role (`<user>`, `<subscription>`) in all events, so the
//! timelines of two users who did the same are equal.

use serde_json::{Map, Value};

/// The IDs of a user, each with its role.
#[derive(Clone, Debug, Default)]
pub(super) struct IdRoles(Vec<(String, String)>);

impl IdRoles {
    /// Adds an ID. An empty ID is ignored.
    pub(super) fn add(&mut self, role: &str, id: &str) {
        if !id.is_empty() {
            self.0.push((id.to_owned(), format!("<{role}>")));
        }
    }

    /// Returns the ID of a role.
    fn id_of(&self, role: &str) -> Option<&str> {
        let role = format!("<{role}>");
        self.0
            .iter()
            .find(|(_, name)| *name == role)
            .map(|(id, _)| id.as_str())
    }

    fn replace_ids(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, (id, role)| text.replace(id, role))
    }

    fn replace_ids_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.replace_ids(text)),
            Value::Array(values) => values.iter().map(|value| self.replace_ids_in(value)).collect(),
            Value::Object(properties) => Value::Object(
                properties
                    .iter()
                    .map(|(key, value)| (key.clone(), self.replace_ids_in(value)))
                    .collect::<Map<_, _>>(),
            ),
            other => other.clone(),
        }
    }
}

/// An event with roles instead of IDs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NormalizedEvent {
    pub(super) name: String,
    pub(super) insert_id: String,
    pub(super) user: String,
    /// `none` when the collector derived the device.
    pub(super) device: String,
    pub(super) session: String,
    /// Includes `stitched_by` and revenue.
    pub(super) properties: Value,
}

/// Returns the events of the user with the role `user` in order of time, out of all exported events.
pub(super) fn timeline_of(events: &[Value], roles: &IdRoles) -> Vec<NormalizedEvent> {
    let text = |value: &Value| roles.replace_ids(value.as_str().unwrap_or_default());
    let user = roles.id_of("user").unwrap_or_default();
    let mut of_user: Vec<&Value> = events.iter().filter(|event| event["user_id"] == user).collect();
    // The text sorts by time.
    of_user.sort_by_key(|event| event["client_event_time"].as_str());
    of_user
        .into_iter()
        .map(|event| NormalizedEvent {
            name: text(&event["event_type"]),
            insert_id: text(&event["$insert_id"]),
            user: text(&event["user_id"]),
            device: if event["local"]["derived_device"] == true {
                "none".to_owned()
            } else {
                text(&event["device_id"])
            },
            session: roles.replace_ids(&event["session_id"].to_string()),
            properties: roles.replace_ids_in(&event["event_properties"]),
        })
        .collect()
}

/// Returns the revenue of a timeline in minor units.
pub(super) fn revenue_minor(timeline: &[NormalizedEvent]) -> i64 {
    let amounts = timeline
        .iter()
        .filter_map(|event| event.properties["$revenue"].as_f64());
    // All prices of the run are in dollars, which have 100 cents.
    #[expect(clippy::cast_possible_truncation, reason = "an amount in cents")]
    amounts.map(|amount| (amount * 100.0).round() as i64).sum()
}
