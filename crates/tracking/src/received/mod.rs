//! Events as Amplitude returns them (Export API, "Response schema"; `useractivity` has the same fields).
//!
//! Pure: it does not fetch events.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::presence::StitchedBy;

pub(crate) mod context;
mod groups;

pub use groups::{SessionGroup, session_groups};

/// Who sent an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Amplitude's Browser SDK.
    Browser,
    /// Our server, in the transaction of a request.
    Server,
    /// Our server, for a Stripe webhook.
    Stripe,
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 3] = [Self::Browser, Self::Server, Self::Stripe];

    /// The value in URLs and exports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Server => "server",
            Self::Stripe => "stripe",
        }
    }

    /// Parses the output of [`Self::as_str`]; any other text is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }

    /// The label on the badge.
    pub fn label(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Server => "server",
            Self::Stripe => "Stripe webhook",
        }
    }
}

/// One event of the timeline. Clones share its fields until one of them changes a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedEvent(Arc<EventFields>);

impl Deref for ReceivedEvent {
    type Target = EventFields;

    fn deref(&self) -> &EventFields {
        &self.0
    }
}

impl DerefMut for ReceivedEvent {
    fn deref_mut(&mut self) -> &mut EventFields {
        Arc::make_mut(&mut self.0)
    }
}

impl From<EventFields> for ReceivedEvent {
    fn from(fields: EventFields) -> Self {
        Self(Arc::new(fields))
    }
}

/// The fields of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFields {
    /// Amplitude's own ID of the stored event.
    pub uuid: String,
    /// The event's name, as Amplitude displays it: the SDK's `session_start` is `[Amplitude] Start Session`.
    pub name: String,
    /// Who sent it.
    pub source: Source,
    /// When it happened, in ms since the epoch, corrected for the browser's clock (`event_time`).
    pub time_ms: i64,
    /// User ID.
    pub user: Option<String>,
    /// Device ID.
    pub device: Option<String>,
    /// Whether Amplitude derived the device ID from the user ID because the event had none. Only the stand-in reports this.
    pub derived_device: bool,
    /// `None`: out of session.
    pub session: Option<i64>,
    /// Insert ID.
    pub insert_id: Option<String>,
    /// How a server event got its IDs; `None` for browser events.
    pub stitched_by: Option<StitchedBy>,
    /// Event properties.
    pub properties: Map<String, Value>,
    /// The user's properties when the event arrived.
    pub user_properties: Map<String, Value>,
    /// Browser, device, language, location, page: added by the SDK, or by the server to a present event. Empty for others.
    pub context: Vec<(&'static str, String)>,
    /// The documented timestamps, unchanged.
    pub times: Vec<(&'static str, String)>,
    /// Result of the validation against the tracking plan: `valid`, `unchecked`, or the errors. Only the stand-in reports it.
    pub plan: Option<String>,
    /// The exported event.
    pub raw: Value,
}

impl ReceivedEvent {
    /// Parses an exported event; `None` if it has no name or no time.
    pub fn from_export(raw: Value) -> Option<Self> {
        let text = |key: &str| {
            raw.get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let map = |key: &str| {
            raw.get(key)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let properties = map("event_properties");
        let library = text("library").unwrap_or_default();
        let source = match () {
            () if properties.contains_key("stripe_event") => Source::Stripe,
            () if library.starts_with("seamline-server") => Source::Server,
            () => Source::Browser,
        };
        let local = raw.get("local");
        let fields = EventFields {
            uuid: text("uuid").unwrap_or_default(),
            name: display_name(&text("event_type")?).to_owned(),
            source,
            time_ms: utc_ms(&text("event_time")?)?,
            user: text("user_id"),
            device: text("device_id"),
            derived_device: local
                .and_then(|local| local.get("derived_device"))
                .and_then(Value::as_bool)
                == Some(true),
            session: raw
                .get("session_id")
                .and_then(Value::as_i64)
                .filter(|&session| session > 0),
            insert_id: text("$insert_id"),
            stitched_by: properties
                .get("stitched_by")
                .and_then(|by| serde_json::from_value(by.clone()).ok()),
            user_properties: map("user_properties"),
            context: context::context(&raw, source, &properties),
            times: labelled(&raw, TIMES),
            plan: local.and_then(|local| local.get("plan")).and_then(plan_result),
            properties,
            raw,
        };
        Some(fields.into())
    }
}

impl EventFields {
    /// Path of the page on which it happened.
    pub fn page(&self) -> Option<&str> {
        let path = |key: &str| self.properties.get(key).and_then(Value::as_str);
        path("[Amplitude] Page Path").or_else(|| path("page_path"))
    }

    /// The value of a part of the context.
    pub fn context_value(&self, label: &str) -> Option<&str> {
        let found = self.context.iter().find(|(known, _)| *known == label);
        found.map(|(_, value)| value.as_str())
    }

    /// Amplitude's revenue of the event with its currency, for example `12.5 USD`.
    pub fn revenue(&self) -> Option<String> {
        let amount = self.properties.get("$revenue").and_then(Value::as_f64)?;
        let currency = self
            .properties
            .get("$currency")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Some(format!("{amount} {currency}"))
    }
}

const TIMES: &[(&str, &str)] = &[
    ("event_time", "Event time"),
    ("client_event_time", "Client event time"),
    ("client_upload_time", "Client upload time"),
    ("server_received_time", "Server received time"),
    ("server_upload_time", "Server upload time"),
];

fn labelled(raw: &Value, keys: &[(&str, &'static str)]) -> Vec<(&'static str, String)> {
    let value = |key: &str| {
        raw.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    keys.iter()
        .filter_map(|(key, label)| Some((*label, value(key)?)))
        .collect()
}

fn plan_result(plan: &Value) -> Option<String> {
    let status = plan.get("status")?.as_str()?;
    // The stand-in omits empty lists.
    let reasons = plan.get("reasons").and_then(Value::as_array);
    let reasons: Vec<&str> = reasons.into_iter().flatten().filter_map(Value::as_str).collect();
    Some(if reasons.is_empty() {
        status.to_owned()
    } else {
        format!("{status}: {}", reasons.join("; "))
    })
}

/// Amplitude's display names of the SDK's session events.
fn display_name(event_type: &str) -> &str {
    match event_type {
        "session_start" => "[Amplitude] Start Session",
        "session_end" => "[Amplitude] End Session",
        other => other,
    }
}

/// Parses `2026-11-23 14:49:25.123456` as UTC; returns ms since the epoch.
fn utc_ms(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let milliseconds = number(20..23).unwrap_or(0);
    // The algorithm "days from civil": years start in March, so that the leap day is the last day.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + milliseconds)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn export(name: &str, time: &str, session: i64) -> Value {
        json!({"event_type": name, "event_time": time, "session_id": session, "user_id": "u-1", "device_id": "d-1"})
    }

    #[test]
    fn a_changed_clone_leaves_the_event_as_it_was() {
        let event = ReceivedEvent::from_export(export("A", "2026-11-18 11:06:40.123456", 5)).unwrap();
        let mut clone = event.clone();
        assert!(std::ptr::eq(&*event, &*clone));
        clone.user = None;
        assert_eq!(
            (event.user.as_deref(), clone.user.as_deref()),
            (Some("u-1"), None)
        );
    }

    #[test]
    fn times_are_utc() {
        for (text, ms) in [
            ("1970-01-01 00:00:00.000000", 0),
            ("2026-11-18 11:06:40.123456", 1_795_000_000_123),
            ("2024-02-29 23:59:59.999000", 1_709_251_199_999),
            ("2000-03-01 00:00:00", 951_868_800_000),
        ] {
            assert_eq!(utc_ms(text), Some(ms), "{text}");
        }
        for bad in [
            "",
            "yesterday",
            "2026-11-18",
            "2026-11-18T",
            "\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}",
        ] {
            assert_eq!(utc_ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_source_follows_from_library_and_properties() {
        let mut raw = export("Trial started", "2026-11-18 11:06:40.123456", 5);
        assert_eq!(
            ReceivedEvent::from_export(raw.clone()).unwrap().source,
            Source::Browser
        );
        raw["library"] = json!("seamline-server/0.1.0");
        raw["event_properties"] = json!({"stitched_by": "checkout handoff"});
        let event = ReceivedEvent::from_export(raw.clone()).unwrap();
        assert_eq!(
            (event.source, event.stitched_by),
            (Source::Server, Some(StitchedBy::CheckoutHandoff))
        );
        raw["event_properties"] = json!({"stripe_event": "evt_1"});
        assert_eq!(ReceivedEvent::from_export(raw).unwrap().source, Source::Stripe);
    }

    #[test]
    fn the_plan_result_contains_its_reasons() {
        let mut raw = export("Poll created", "2026-11-18 11:06:40.123456", 5);
        for (plan, expected) in [
            (json!({"status": "valid"}), Some("valid")),
            (json!({"status": "unchecked", "reasons": []}), Some("unchecked")),
            (
                json!({"status": "invalid", "reasons": ["a", "b"]}),
                Some("invalid: a; b"),
            ),
            (json!({}), None),
        ] {
            raw["local"] = json!({ "plan": plan });
            assert_eq!(
                ReceivedEvent::from_export(raw.clone()).unwrap().plan.as_deref(),
                expected
            );
        }
    }

    #[test]
    fn events_without_name_or_time_are_rejected() {
        assert_eq!(ReceivedEvent::from_export(json!({"event_type": "A"})), None);
        assert_eq!(
            ReceivedEvent::from_export(json!({"event_time": "2026-11-18 11:06:40.123456"})),
            None
        );
        assert_eq!(ReceivedEvent::from_export(json!(7)), None);
    }
}
