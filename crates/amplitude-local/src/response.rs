//! The exact responses of Amplitude's ingestion APIs. Amplitude's SDKs read the `code` in the JSON, not the HTTP status.
//!
//! Source: HTTP V2, "Response"; Batch Event Upload, "Response". The service sends `events_with_invalid_id_lengths`, and the
//! SDKs parse it, although the documentation does not mention it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// An ingestion API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    HttpV2,
    Batch,
    Identify,
}

impl Endpoint {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::HttpV2 => "/2/httpapi",
            Self::Batch => "/batch",
            Self::Identify => "/identify",
        }
    }
}

/// An HTTP status and Amplitude's body, if it sends one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AmplitudeResponse {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
}

/// Field names, each with the indexes of the events in which the field has an error.
pub(crate) type EventIndexes = BTreeMap<String, Vec<usize>>;

/// The errors of the events of one request, by field and event index.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EventErrors {
    pub(crate) missing: EventIndexes,
    pub(crate) invalid: EventIndexes,
    pub(crate) id_lengths: EventIndexes,
}

impl EventErrors {
    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.invalid.is_empty() && self.id_lengths.is_empty()
    }
}

impl AmplitudeResponse {
    pub(crate) fn ingested(events: usize, payload_bytes: usize, uploaded_ms: i64) -> Self {
        Self::json(
            200,
            json!({
                "code": 200,
                "events_ingested": events,
                "payload_size_bytes": payload_bytes,
                "server_upload_time": uploaded_ms,
            }),
        )
    }

    /// A plain-text response of `/identify`: `success`, `missing_event` or `invalid_api_key`.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            body: Some(Value::String(text.to_owned())),
        }
    }

    pub(crate) fn invalid(error: &str) -> Self {
        Self::json(400, json!({"code": 400, "error": error}))
    }

    /// The documented error text has no key. The service appends it, and the Python SDK searches for the colon.
    pub(crate) fn invalid_api_key(key: &str) -> Self {
        let key: String = key.chars().take(64).collect();
        Self::invalid(&format!("Invalid API key: {key}"))
    }

    pub(crate) fn missing_field(field: &str) -> Self {
        Self::json(
            400,
            json!({"code": 400, "error": "Request missing required field", "missing_field": field}),
        )
    }

    pub(crate) fn invalid_events(errors: &EventErrors) -> Self {
        let error = if !errors.missing.is_empty() {
            "Request missing required field"
        } else if !errors.invalid.is_empty() {
            "Invalid field values on some events"
        } else {
            "Invalid id length for user_id or device_id"
        };
        let mut body = Map::new();
        body.insert("code".to_owned(), json!(400));
        body.insert("error".to_owned(), json!(error));
        for (name, indexes) in [
            ("events_with_missing_fields", &errors.missing),
            ("events_with_invalid_fields", &errors.invalid),
            ("events_with_invalid_id_lengths", &errors.id_lengths),
        ] {
            if !indexes.is_empty() {
                body.insert(name.to_owned(), json!(indexes));
            }
        }
        Self::json(400, Value::Object(body))
    }

    pub(crate) fn too_large() -> Self {
        Self::json(413, json!({"code": 413, "error": "Payload too large"}))
    }

    pub(crate) fn forbidden() -> Self {
        Self::json(403, json!({"code": 403, "error": "Forbidden"}))
    }

    /// 500, 502, 503 and 504 have no body.
    pub(crate) fn server_error(status: u16) -> Self {
        Self { status, body: None }
    }

    /// A 429 that throttles all events of the request.
    pub(crate) fn throttled(endpoint: Endpoint, events: &[EventIds]) -> Self {
        let mut body = json!({
            "code": 429,
            "error": "Too many requests for some devices and users",
            "eps_threshold": 30,
            "throttled_devices": rates(events.iter().filter_map(|event| event.device_id.as_ref())),
            "throttled_users": rates(events.iter().filter_map(|event| event.user_id.as_ref())),
            "throttled_events": (0..events.len()).collect::<Vec<_>>(),
        });
        if endpoint == Endpoint::Batch {
            body["exceeded_daily_quota_users"] = json!({});
            body["exceeded_daily_quota_devices"] = json!({});
        }
        Self::json(429, body)
    }

    /// The devices and users of the request exceeded their daily quota (`/batch`). The SDKs drop these events.
    pub(crate) fn daily_quota_exceeded(events: &[EventIds]) -> Self {
        Self::json(
            429,
            json!({
                "code": 429,
                "error": "Too many requests for some devices and users",
                "eps_threshold": 1000,
                "throttled_devices": {},
                "throttled_users": {},
                "exceeded_daily_quota_devices": quotas(events.iter().filter_map(|event| event.device_id.as_ref())),
                "exceeded_daily_quota_users": quotas(events.iter().filter_map(|event| event.user_id.as_ref())),
                "throttled_events": (0..events.len()).collect::<Vec<_>>(),
            }),
        )
    }

    /// The devices of the request are silenced. The SDKs drop these events.
    pub(crate) fn silenced(events: &[EventIds]) -> Self {
        let devices: Vec<_> = events
            .iter()
            .filter_map(|event| event.device_id.clone())
            .collect();
        Self::json(
            400,
            json!({
                "code": 400,
                "error": "Events silenced for device_id",
                "eps_threshold": 30,
                "exceeded_daily_quota_devices": {},
                "silenced_devices": devices,
                "silenced_events": (0..events.len()).collect::<Vec<_>>(),
                "throttled_devices": {},
                "throttled_events": [],
            }),
        )
    }

    /// The error text in the body, for the log of refused events. Without a body: the status.
    pub(crate) fn error(&self) -> String {
        let text = self
            .body
            .as_ref()
            .and_then(|body| body["error"].as_str().or_else(|| body.as_str()));
        text.map_or_else(|| format!("status {}", self.status), str::to_owned)
    }

    fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
        }
    }
}

/// The IDs and the type of an event that may not be valid. A field that cannot be read is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventIds {
    pub(crate) user_id: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) insert_id: Option<String>,
    pub(crate) event_type: Option<String>,
}

impl EventIds {
    pub(crate) fn of(event: &Value) -> Self {
        let text = |key: &str| match &event[key] {
            Value::String(text) => Some(text.chars().take(1024).collect()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Self {
            user_id: text("user_id"),
            device_id: text("device_id"),
            insert_id: text("insert_id"),
            event_type: text("event_type"),
        }
    }
}

fn rates<'a>(ids: impl Iterator<Item = &'a String>) -> Value {
    ids.map(|id| (id.clone(), json!(31)))
        .collect::<Map<_, _>>()
        .into()
}

fn quotas<'a>(ids: impl Iterator<Item = &'a String>) -> Value {
    ids.map(|id| (id.clone(), json!(500_001)))
        .collect::<Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_400_has_the_most_severe_error_and_lists_every_index() {
        let mut errors = EventErrors::default();
        errors.id_lengths.insert("user_id".to_owned(), vec![2]);
        assert_eq!(
            AmplitudeResponse::invalid_events(&errors).body,
            Some(json!({
                "code": 400,
                "error": "Invalid id length for user_id or device_id",
                "events_with_invalid_id_lengths": {"user_id": [2]},
            }))
        );
        errors.invalid.insert("time".to_owned(), vec![0, 3]);
        assert_eq!(
            AmplitudeResponse::invalid_events(&errors).error(),
            "Invalid field values on some events"
        );
        errors.missing.insert("event_type".to_owned(), vec![1]);
        assert_eq!(
            AmplitudeResponse::invalid_events(&errors).body,
            Some(json!({
                "code": 400,
                "error": "Request missing required field",
                "events_with_missing_fields": {"event_type": [1]},
                "events_with_invalid_fields": {"time": [0, 3]},
                "events_with_invalid_id_lengths": {"user_id": [2]},
            }))
        );
    }

    #[test]
    fn a_429_throttles_every_event_of_the_request() {
        let events = [
            EventIds {
                user_id: Some("user-1".to_owned()),
                ..EventIds::default()
            },
            EventIds {
                device_id: Some("device-1".to_owned()),
                ..EventIds::default()
            },
        ];
        assert_eq!(
            AmplitudeResponse::throttled(Endpoint::HttpV2, &events).body,
            Some(json!({
                "code": 429,
                "error": "Too many requests for some devices and users",
                "eps_threshold": 30,
                "throttled_devices": {"device-1": 31},
                "throttled_users": {"user-1": 31},
                "throttled_events": [0, 1],
            }))
        );
        let batch = AmplitudeResponse::throttled(Endpoint::Batch, &events)
            .body
            .expect("a body");
        assert_eq!(batch["exceeded_daily_quota_users"], json!({}));
    }
}
