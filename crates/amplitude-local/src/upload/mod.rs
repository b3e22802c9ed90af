//! Reading the body of an upload: from bytes to validated events, or to a refused upload. No I/O.
//!
//! An upload is accepted or refused as a whole. If one event is invalid, the valid ones are not stored either, and the SDKs
//! send them again without it. HTTP V2 does not document what happens to the valid events of a 400.

mod refused;

use serde_json::{Map, Value};

pub(crate) use self::refused::{InvalidEvent, RefusedUpload};
use crate::{
    response::{AmplitudeResponse, Endpoint, EventErrors, EventIds},
    settings::Limits,
    times,
    validate::{self, EventRules, IncomingEvent},
};

/// An upload without errors.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) events: Vec<IncomingEvent>,
    pub(crate) client_upload_ms: Option<i64>,
}

/// Whether the API key is the expected one. Without an expected key: whether it has 32 letters and digits.
pub(crate) fn is_accepted_key(expected: Option<&str>, given: &str) -> bool {
    match expected {
        Some(expected) => expected == given,
        None => given.len() == 32 && given.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    }
}

/// Reads the JSON of `/2/httpapi` and `/batch`. Fails when the request or one of its events is invalid.
pub(crate) fn read(
    body: &[u8],
    endpoint: Endpoint,
    api_key: Option<&str>,
    limits: &Limits,
) -> Result<Upload, RefusedUpload> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(RefusedUpload::whole_request(AmplitudeResponse::invalid(
            "Missing request body",
        )));
    }
    let Ok(Value::Object(mut request)) = lossy_json::from_slice(body) else {
        return Err(RefusedUpload::whole_request(AmplitudeResponse::invalid(
            "Invalid JSON request body",
        )));
    };
    let events = match request.remove("events") {
        Some(Value::Array(events)) => events,
        None | Some(Value::Null) => {
            return Err(RefusedUpload::whole_request(AmplitudeResponse::missing_field(
                "events",
            )));
        }
        Some(_) => {
            return Err(RefusedUpload::whole_request(AmplitudeResponse::invalid(
                "Invalid event JSON",
            )));
        }
    };
    let ids = |events: &[Value]| events.iter().map(EventIds::of).collect();
    let refuse = |response| RefusedUpload {
        response,
        invalid_events: Vec::new(),
        ids: ids(&events),
    };
    match request.get("api_key").and_then(Value::as_str) {
        None | Some("") => return Err(refuse(AmplitudeResponse::missing_field("api_key"))),
        Some(key) if !is_accepted_key(api_key, key) => {
            return Err(refuse(AmplitudeResponse::invalid_api_key(key)));
        }
        Some(_) => {}
    }
    if events.len() > limits.events_per_request {
        return Err(refuse(AmplitudeResponse::too_large()));
    }
    if events.is_empty() {
        return Err(RefusedUpload::whole_request(AmplitudeResponse::missing_field(
            "events",
        )));
    }
    if events.iter().any(|event| !event.is_object()) {
        return Err(refuse(AmplitudeResponse::invalid("Invalid event JSON")));
    }
    let rules = EventRules {
        limits,
        min_id_length: min_id_length(&request, limits),
        drops_short_ids: endpoint == Endpoint::Batch,
    };
    let client_upload_ms = request
        .get("client_upload_time")
        .and_then(Value::as_str)
        .and_then(times::parse_upload_time);
    read_events(events, &rules).map(|events| Upload {
        events,
        client_upload_ms,
    })
}

/// Reads the `identification` of `/identify`: one object or a list of objects. Fails when it is empty or invalid.
pub(crate) fn read_identification(text: &str, limits: &Limits) -> Result<Vec<IncomingEvent>, RefusedUpload> {
    let missing = || RefusedUpload::whole_request(AmplitudeResponse::text(400, "missing_event"));
    let list = match lossy_json::from_slice(text.as_bytes()) {
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
    let rules = EventRules {
        limits,
        min_id_length: limits.min_id_length,
        drops_short_ids: false,
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

fn read_events(events: Vec<Value>, rules: &EventRules<'_>) -> Result<Vec<IncomingEvent>, RefusedUpload> {
    let mut errors = EventErrors::default();
    let mut invalid_events = Vec::new();
    let mut valid_events = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        match validate::read_event(event, rules) {
            Ok(event) => valid_events.push(event),
            Err(field_errors) => {
                for (field, indexes) in [
                    (field_errors.missing, &mut errors.missing),
                    (field_errors.invalid, &mut errors.invalid),
                    (field_errors.id_lengths, &mut errors.id_lengths),
                ] {
                    field
                        .into_iter()
                        .for_each(|name| indexes.entry(name).or_default().push(index));
                }
                invalid_events.push(InvalidEvent {
                    index,
                    event: event.clone(),
                    reasons: field_errors.reasons,
                });
            }
        }
    }
    if errors.is_empty() {
        return Ok(valid_events);
    }
    let ids = events.iter().map(EventIds::of).collect();
    Err(RefusedUpload {
        response: AmplitudeResponse::invalid_events(&errors),
        invalid_events,
        ids,
    })
}

#[cfg(test)]
mod tests;
