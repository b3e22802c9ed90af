//! The tracking plan that arriving events are checked against. It judges; it never refuses.
//!
//! Statuses follow Amplitude's own ("Validate events"): valid, unexpected, invalid. Events that the plan
//! does not speak of by prefix, and all events without a plan, are unchecked.

use std::collections::HashMap;

use jsonschema::Validator;
use serde::Serialize;
use serde_json::{Map, Value};

/// More reasons than these help nobody.
const MOST_REASONS: usize = 10;

/// Why a document cannot be used as a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The document has another shape than the one described at `Settings::plan`.
    #[error(
        "the tracking plan must be {{\"events\": {{\"<event type>\": <JSON Schema>}}, \"ignore_prefixes\": [\"…\"]}}: {0}"
    )]
    Shape(&'static str),
    /// One event's schema cannot be used.
    #[error("the tracking plan's schema of \"{event_type}\" cannot be used: {reason}")]
    Schema {
        /// The event whose schema it is.
        event_type: String,
        /// What the JSON Schema compiler says.
        reason: String,
    },
}

/// What the plan says of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
}

impl Verdict {
    fn plain(status: &'static str) -> Self {
        Self {
            status,
            reasons: Vec::new(),
        }
    }
}

/// A plan with its schemas compiled.
pub(crate) struct Plan {
    document: Value,
    events: HashMap<String, Validator>,
    ignored_prefixes: Vec<String>,
}

impl Plan {
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
                .ok_or(PlanError::Shape("ignore_prefixes must be texts"))?,
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

    /// Judges an event by its name and its properties as they were sent.
    pub(crate) fn judge(&self, event_type: &str, properties: &Map<String, Value>) -> Verdict {
        let Some(schema) = self.events.get(event_type) else {
            let ignored = self
                .ignored_prefixes
                .iter()
                .any(|prefix| event_type.starts_with(prefix));
            return Verdict::plain(if ignored { "unchecked" } else { "unexpected" });
        };
        let properties = Value::Object(properties.clone());
        let reasons: Vec<String> = schema
            .iter_errors(&properties)
            .take(MOST_REASONS)
            .map(|error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() {
                    "event_properties".to_owned()
                } else {
                    place
                };
                format!("{place}: {error}").chars().take(500).collect()
            })
            .collect();
        Verdict {
            status: if reasons.is_empty() { "valid" } else { "invalid" },
            reasons,
        }
    }
}

/// The judgement under an optional plan.
pub(crate) fn judge(plan: Option<&Plan>, event_type: &str, properties: &Map<String, Value>) -> Verdict {
    plan.map_or_else(
        || Verdict::plain("unchecked"),
        |plan| plan.judge(event_type, properties),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_judged() {
        let plan = Plan::parse(json!({
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
            let verdict = judge(
                Some(&plan),
                event_type,
                properties.as_object().expect("an object"),
            );
            assert_eq!(verdict.status, status, "{event_type} {properties}: {verdict:?}");
            assert_eq!(verdict.reasons.is_empty(), status != "invalid", "{verdict:?}");
        }
        assert_eq!(judge(None, "anything", &Map::new()).status, "unchecked");
    }

    #[test]
    fn unusable_plans_say_why() {
        let rows = [
            (json!([]), "events must be an object"),
            (
                json!({"events": {}, "ignore_prefixes": [1]}),
                "ignore_prefixes must be texts",
            ),
            (
                json!({"events": {"x": {"type": "nothing"}}}),
                "the tracking plan's schema of \"x\"",
            ),
        ];
        for (document, expected) in rows {
            let error = Plan::parse(document).err().expect("an unusable plan").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
