//! The body of an upload, from bytes to events or to the refusal of the whole request. Pure.
//!
//! A request is taken or refused as a whole: when one event is bad, the good ones beside it are not kept
//! either, and the SDKs send them again without it (HTTP V2 says nothing of the good events of a 400).

mod refusal;

use serde_json::{Map, Value};

pub(crate) use self::refusal::{BadEvent, Refusal};
use crate::{
    answer::{Answer, Endpoint, EventErrors, EventIds},
    settings::Limits,
    times,
    validate::{self, IncomingEvent, Rules},
};

/// A request whose every event may be kept.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) events: Vec<IncomingEvent>,
    pub(crate) client_upload_ms: Option<i64>,
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
mod tests;
