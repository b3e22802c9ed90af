//! The body of an upload, from bytes to events or to the refusal of the whole request. Pure.
//!
//! A request is taken or refused as a whole: when one event is bad, the good ones beside it are not kept
//! either, and the SDKs send them again without it (HTTP V2 says nothing of the good events of a 400).

use serde_json::{Map, Value, json};

use crate::{
    answer::{Answer, Endpoint, EventErrors, EventIds},
    settings::Limits,
    store::log::{Arrival, Outcome},
    times,
    validate::{self, IncomingEvent, Rules},
};

/// A request whose every event may be kept.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) events: Vec<IncomingEvent>,
    pub(crate) client_upload_ms: Option<i64>,
}

/// A request of which nothing is kept.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) answer: Answer,
    /// The events at fault, with reasons; empty when it was the request itself.
    pub(crate) bad: Vec<BadEvent>,
    /// The IDs of every event of the request, for the raw log.
    pub(crate) ids: Vec<EventIds>,
}

/// One event that is at fault.
#[derive(Debug)]
pub(crate) struct BadEvent {
    pub(crate) index: usize,
    pub(crate) event: Value,
    pub(crate) reasons: Vec<String>,
}

impl Refusal {
    /// The request itself is at fault, and its events could not be read.
    pub(crate) fn request(answer: Answer) -> Self {
        Self {
            answer,
            bad: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// What became of each event of the request.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (EventIds, Outcome)> {
        self.ids.iter().enumerate().map(|(index, ids)| {
            let withheld = !self.bad.is_empty() && self.bad.iter().all(|bad| bad.index != index);
            (
                ids.clone(),
                if withheld {
                    Outcome::Withheld
                } else {
                    Outcome::Refused
                },
            )
        })
    }

    /// One entry for each bad event, or one for the request, numbered from `first`.
    pub(crate) fn reports(&self, first: i64, arrival: Arrival) -> Vec<(EventIds, Value)> {
        let report = |sequence: i64, bad: Option<&BadEvent>| {
            let ids = bad.map(|bad| EventIds::of(&bad.event)).unwrap_or_default();
            let report = json!({
                "received_at": times::exported(arrival.received_ms),
                "path": arrival.path,
                "answered": arrival.answered,
                "error": self.answer.error(),
                "index": bad.map(|bad| bad.index),
                "reasons": bad.map_or_else(|| vec![self.answer.error()], |bad| bad.reasons.clone()),
                "user_id": ids.user_id,
                "device_id": ids.device_id,
                "insert_id": ids.insert_id,
                "event_type": ids.event_type,
                "event": bad.map(|bad| readable(&bad.event)),
                "local": {"sequence": sequence},
            });
            (ids, report)
        };
        if self.bad.is_empty() {
            return vec![report(first, None)];
        }
        (first..)
            .zip(&self.bad)
            .map(|(sequence, bad)| report(sequence, Some(bad)))
            .collect()
    }
}

/// The event as it came, unless it is too long to be shown.
fn readable(event: &Value) -> Value {
    const LONGEST: usize = 16 << 10;
    let text = event.to_string();
    if text.len() <= LONGEST {
        return event.clone();
    }
    let start: String = text.chars().take(1024).collect();
    json!({"too long to keep, it begins": start})
}

/// Whether the project's key is this one.
pub(crate) fn key_accepted(expected: Option<&str>, given: &str) -> bool {
    match expected {
        Some(expected) => expected == given,
        None => given.len() == 32 && given.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    }
}

/// Reads the JSON of `/2/httpapi` and `/batch`.
pub(crate) fn read(
    body: &[u8],
    endpoint: Endpoint,
    api_key: Option<&str>,
    limits: &Limits,
) -> Result<Upload, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::request(Answer::invalid("Missing request body")));
    }
    let Ok(Value::Object(mut request)) = serde_json::from_slice(body) else {
        return Err(Refusal::request(Answer::invalid("Invalid JSON request body")));
    };
    let events = match request.remove("events") {
        Some(Value::Array(events)) => events,
        None | Some(Value::Null) => return Err(Refusal::request(Answer::missing_field("events"))),
        Some(_) => return Err(Refusal::request(Answer::invalid("Invalid event JSON"))),
    };
    let ids = |events: &[Value]| events.iter().map(EventIds::of).collect();
    let refuse = |answer| Refusal {
        answer,
        bad: Vec::new(),
        ids: ids(&events),
    };
    match request.get("api_key").and_then(Value::as_str) {
        None | Some("") => return Err(refuse(Answer::missing_field("api_key"))),
        Some(key) if !key_accepted(api_key, key) => return Err(refuse(Answer::invalid_api_key(key))),
        Some(_) => {}
    }
    if events.len() > limits.events_per_request {
        return Err(refuse(Answer::too_large()));
    }
    if events.is_empty() {
        return Err(Refusal::request(Answer::missing_field("events")));
    }
    if events.iter().any(|event| !event.is_object()) {
        return Err(refuse(Answer::invalid("Invalid event JSON")));
    }
    let rules = Rules {
        limits,
        min_id_length: min_id_length(&request, limits),
        strip_short_ids: endpoint == Endpoint::Batch,
    };
    let client_upload_ms = request
        .get("client_upload_time")
        .and_then(Value::as_str)
        .and_then(times::upload_time);
    read_events(events, &rules).map(|events| Upload {
        events,
        client_upload_ms,
    })
}

/// Reads the `identification` of `/identify`: one object or a list of them.
pub(crate) fn read_identification(text: &str, limits: &Limits) -> Result<Vec<IncomingEvent>, Refusal> {
    let missing = || Refusal::request(Answer::word(400, "missing_event"));
    let list = match serde_json::from_str(text) {
        Ok(Value::Array(list)) if list.iter().all(Value::is_object) => list,
        Ok(single @ Value::Object(_)) => vec![single],
        _ => return Err(missing()),
    };
    if list.is_empty() {
        return Err(missing());
    }
    let list = list
        .into_iter()
        .map(|mut identification| {
            identification["event_type"] = "$identify".into();
            identification
        })
        .collect();
    let rules = Rules {
        limits,
        min_id_length: limits.min_id_length,
        strip_short_ids: false,
    };
    read_events(list, &rules)
}

fn min_id_length(request: &Map<String, Value>, limits: &Limits) -> usize {
    request
        .get("options")
        .and_then(|options| options["min_id_length"].as_u64())
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(limits.min_id_length)
}

fn read_events(events: Vec<Value>, rules: &Rules<'_>) -> Result<Vec<IncomingEvent>, Refusal> {
    let mut errors = EventErrors::default();
    let mut bad = Vec::new();
    let mut good = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        match validate::event(event, rules) {
            Ok(event) => good.push(event),
            Err(problems) => {
                for (field, indexes) in [
                    (problems.missing, &mut errors.missing),
                    (problems.invalid, &mut errors.invalid),
                    (problems.id_lengths, &mut errors.id_lengths),
                ] {
                    field
                        .into_iter()
                        .for_each(|name| indexes.entry(name).or_default().push(index));
                }
                bad.push(BadEvent {
                    index,
                    event: event.clone(),
                    reasons: problems.reasons,
                });
            }
        }
    }
    if errors.is_empty() {
        return Ok(good);
    }
    let ids = events.iter().map(EventIds::of).collect();
    Err(Refusal {
        answer: Answer::bad_events(&errors),
        bad,
        ids,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn answer(body: &[u8]) -> Value {
        match read(body, Endpoint::HttpV2, None, &Limits::default()) {
            Ok(upload) => json!({"events": upload.events.len()}),
            Err(refusal) => refusal.answer.body.expect("a body"),
        }
    }

    fn of(request: &Value) -> Value {
        answer(request.to_string().as_bytes())
    }

    #[test]
    fn requests_at_fault() {
        let event = json!({"user_id": "user-1", "event_type": "x"});
        let many: Vec<_> = (0..2001).map(|_| event.clone()).collect();
        let rows = [
            (
                "empty",
                answer(b""),
                json!({"code": 400, "error": "Missing request body"}),
            ),
            (
                "blank",
                answer(b" \n"),
                json!({"code": 400, "error": "Missing request body"}),
            ),
            (
                "no JSON",
                answer(b"{"),
                json!({"code": 400, "error": "Invalid JSON request body"}),
            ),
            (
                "no object",
                answer(b"[]"),
                json!({"code": 400, "error": "Invalid JSON request body"}),
            ),
            (
                "no key",
                of(&json!({"events": [event]})),
                json!({"code": 400, "error": "Request missing required field", "missing_field": "api_key"}),
            ),
            (
                "bad key",
                of(&json!({"api_key": "short", "events": [event]})),
                json!({"code": 400, "error": "Invalid API key: short"}),
            ),
            (
                "no events",
                of(&json!({"api_key": KEY})),
                json!({"code": 400, "error": "Request missing required field", "missing_field": "events"}),
            ),
            (
                "empty events",
                of(&json!({"api_key": KEY, "events": []})),
                json!({"code": 400, "error": "Request missing required field", "missing_field": "events"}),
            ),
            (
                "events no list",
                of(&json!({"api_key": KEY, "events": {}})),
                json!({"code": 400, "error": "Invalid event JSON"}),
            ),
            (
                "event no object",
                of(&json!({"api_key": KEY, "events": [1]})),
                json!({"code": 400, "error": "Invalid event JSON"}),
            ),
            (
                "too many",
                of(&json!({"api_key": KEY, "events": many})),
                json!({"code": 413, "error": "Payload too large"}),
            ),
            (
                "good",
                of(&json!({"api_key": KEY, "events": [event]})),
                json!({"events": 1}),
            ),
        ];
        for (name, given, expected) in rows {
            assert_eq!(given, expected, "{name}");
        }
    }

    #[test]
    fn only_the_configured_key_is_accepted() {
        assert!(key_accepted(None, KEY));
        assert!(!key_accepted(None, "0123"));
        assert!(key_accepted(Some("local"), "local"));
        assert!(!key_accepted(Some("local"), KEY));
    }

    #[test]
    fn one_bad_event_refuses_the_request_and_is_named() {
        let request = json!({"api_key": KEY, "events": [
            {"user_id": "user-1", "event_type": "good", "insert_id": "a"},
            {"user_id": "user-1", "event_type": " "},
            {"user_id": "user-1"},
            {"user_id": "user-1", "event_type": "x", "time": "2014-04-01"},
        ]});
        let refusal = read(
            request.to_string().as_bytes(),
            Endpoint::HttpV2,
            None,
            &Limits::default(),
        )
        .expect_err("three bad events");
        assert_eq!(
            refusal.answer.body,
            Some(json!({
                "code": 400,
                "error": "Request missing required field",
                "events_with_missing_fields": {"event_type": [2]},
                "events_with_invalid_fields": {"event_type": [1], "time": [3]},
            }))
        );
        assert_eq!(
            refusal.bad.iter().map(|bad| bad.index).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        assert_eq!(refusal.ids.len(), 4);
        assert_eq!(refusal.ids[0].insert_id.as_deref(), Some("a"));
    }

    #[test]
    fn min_id_length_is_an_option_of_the_request() {
        let event = json!({"user_id": "abc", "device_id": "device-1", "event_type": "x"});
        assert_eq!(
            of(&json!({"api_key": KEY, "events": [event]})),
            json!({
                "code": 400,
                "error": "Invalid id length for user_id or device_id",
                "events_with_invalid_id_lengths": {"user_id": [0]},
            })
        );
        assert_eq!(
            of(&json!({"api_key": KEY, "events": [event], "options": {"min_id_length": 3}})),
            json!({"events": 1})
        );
    }

    #[test]
    fn a_batch_strips_short_ids() {
        let request = |event: Value| json!({"api_key": KEY, "events": [event]}).to_string();
        let read = |body: String| read(body.as_bytes(), Endpoint::Batch, None, &Limits::default());
        let kept = read(request(
            json!({"user_id": "abc", "device_id": "device-1", "event_type": "x"}),
        ));
        assert_eq!(
            kept.map(|upload| upload.events[0].user_id.clone()).ok(),
            Some(None)
        );
        let refused = read(request(json!({"user_id": "abc", "event_type": "x"}))).expect_err("no ID left");
        assert_eq!(
            refused.answer.error(),
            "Invalid id length for user_id or device_id"
        );
    }
}
