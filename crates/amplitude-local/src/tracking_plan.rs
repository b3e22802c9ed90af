//! The tracking plan, which incoming events are checked against. A check never refuses an event.
//!
//! The statuses are Amplitude's ("Validate events"): valid, unexpected, invalid. Events with an ignored prefix are unchecked;
//! so are all events when there is no plan.

use std::collections::HashMap;

use jsonschema::Validator;
use serde::Serialize;
use serde_json::{Map, Value};

/// Most reasons for one event.
const MAX_REASONS: usize = 10;

/// Why a document is not a valid tracking plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The document does not have the format described at `CollectorSettings::plan`.
    #[error(
        "the tracking plan must be {{\"events\": {{\"<event type>\": <JSON Schema>}}, \"ignore_prefixes\": [\"…\"]}}: {0}"
    )]
    Shape(&'static str),
    /// One event's JSON Schema is not valid.
    #[error("the tracking plan's schema of \"{event_type}\" is not valid: {reason}")]
    Schema {
        /// The event type.
        event_type: String,
        /// The error of the JSON Schema compiler.
        reason: String,
    },
}

/// The result of checking one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PlanCheck {
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
}

impl PlanCheck {
    fn without_reasons(status: &'static str) -> Self {
        Self {
            status,
            reasons: Vec::new(),
        }
    }
}

/// A plan with its schemas compiled.
pub(crate) struct TrackingPlan {
    document: Value,
    events: HashMap<String, Validator>,
    ignored_prefixes: Vec<String>,
}

impl TrackingPlan {
    pub(crate) fn parse(document: Value) -> Result<Self, PlanError> {
        let events = document["events"]
            .as_object()
            .ok_or(PlanError::Shape("events must be an object"))?;
        let events = events
            .iter()
            .map(|(event_type, schema)| {
                jsonschema::validator_for(schema)
                    .map(|schema| (event_type.clone(), schema))
                    .map_err(|error| PlanError::Schema {
                        event_type: event_type.clone(),
                        reason: error.to_string(),
                    })
            })
            .collect::<Result<_, _>>()?;
        let ignored_prefixes = match &document["ignore_prefixes"] {
            Value::Null => Vec::new(),
            Value::Array(prefixes) => prefixes
                .iter()
                .map(|prefix| prefix.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or(PlanError::Shape("ignore_prefixes must contain strings"))?,
            _ => return Err(PlanError::Shape("ignore_prefixes must be a list")),
        };
        Ok(Self {
            document,
            events,
            ignored_prefixes,
        })
    }

    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// Checks an event's type and properties.
    fn check(&self, event_type: &str, properties: &Map<String, Value>) -> PlanCheck {
        let Some(schema) = self.events.get(event_type) else {
            let ignored = self
                .ignored_prefixes
                .iter()
                .any(|prefix| event_type.starts_with(prefix));
            return PlanCheck::without_reasons(if ignored { "unchecked" } else { "unexpected" });
        };
        let properties = Value::Object(properties.clone());
        let reasons: Vec<String> = schema
            .iter_errors(&properties)
            .take(MAX_REASONS)
            .map(|error| {
                let path = error.instance_path().to_string();
                let path = if path.is_empty() {
                    "event_properties".to_owned()
                } else {
                    path
                };
                format!("{path}: {error}").chars().take(500).collect()
            })
            .collect();
        PlanCheck {
            status: if reasons.is_empty() { "valid" } else { "invalid" },
            reasons,
        }
    }
}

/// Checks an event against a plan, if there is one.
pub(crate) fn check_event(
    plan: Option<&TrackingPlan>,
    event_type: &str,
    properties: &Map<String, Value>,
) -> PlanCheck {
    plan.map_or_else(
        || PlanCheck::without_reasons("unchecked"),
        |plan| plan.check(event_type, properties),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_checked() {
        let plan = TrackingPlan::parse(json!({
            "events": {"Vote cast": {
                "type": "object",
                "properties": {"choices": {"type": "integer"}},
                "required": ["choices"],
                "additionalProperties": false,
            }},
            "ignore_prefixes": ["[Amplitude]", "$", "session_"],
        }))
        .expect("a plan");
        let rows = [
            ("Vote cast", json!({"choices": 1}), "valid"),
            ("Vote cast", json!({"choices": "1"}), "invalid"),
            ("Vote cast", json!({}), "invalid"),
            ("Vote cast", json!({"choices": 1, "extra": 1}), "invalid"),
            ("Vote casted", json!({}), "unexpected"),
            ("[Amplitude] Page Viewed", json!({}), "unchecked"),
            ("$identify", json!({}), "unchecked"),
            ("session_start", json!({}), "unchecked"),
        ];
        for (event_type, properties, status) in rows {
            let check = check_event(
                Some(&plan),
                event_type,
                properties.as_object().expect("an object"),
            );
            assert_eq!(check.status, status, "{event_type} {properties}: {check:?}");
            assert_eq!(check.reasons.is_empty(), status != "invalid", "{check:?}");
        }
        assert_eq!(check_event(None, "anything", &Map::new()).status, "unchecked");
    }

    #[test]
    fn invalid_plans_are_explained() {
        let rows = [
            (json!([]), "events must be an object"),
            (
                json!({"events": {}, "ignore_prefixes": [1]}),
                "ignore_prefixes must contain strings",
            ),
            (
                json!({"events": {"x": {"type": "nothing"}}}),
                "the tracking plan's schema of \"x\"",
            ),
        ];
        for (document, expected) in rows {
            let error = TrackingPlan::parse(document)
                .err()
                .expect("an invalid plan")
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
