//! An upload that is refused, and what is logged about it.

use serde_json::{Value, json};

use crate::{
    response::{AmplitudeResponse, EventIds},
    store::delivery_log::{DeliveryRequest, LoggedOutcome},
    times,
};

/// An upload that is refused as a whole. None of its events are stored.
#[derive(Debug)]
pub(crate) struct RefusedUpload {
    pub(crate) response: AmplitudeResponse,
    /// The invalid events, with reasons. Empty when the request itself is invalid.
    pub(crate) invalid_events: Vec<InvalidEvent>,
    /// The IDs of every event of the request, for the delivery log.
    pub(crate) ids: Vec<EventIds>,
}

/// An event with errors.
#[derive(Debug)]
pub(crate) struct InvalidEvent {
    pub(crate) index: usize,
    pub(crate) event: Value,
    pub(crate) reasons: Vec<String>,
}

impl RefusedUpload {
    /// The request itself is invalid, and its events cannot be read.
    pub(crate) fn whole_request(response: AmplitudeResponse) -> Self {
        Self {
            response,
            invalid_events: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// The outcome of each event of the request.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (EventIds, LoggedOutcome)> {
        self.ids.iter().enumerate().map(|(index, ids)| {
            let is_valid = self.invalid_events.iter().all(|event| event.index != index);
            (
                ids.clone(),
                if is_valid && !self.invalid_events.is_empty() {
                    LoggedOutcome::Withheld
                } else {
                    LoggedOutcome::Refused
                },
            )
        })
    }

    /// One log entry for each invalid event, or one for the request when it has none. `first` is the first sequence number.
    pub(crate) fn log_entries(&self, first: i64, request: DeliveryRequest) -> Vec<(EventIds, Value)> {
        let entry = |sequence: i64, invalid: Option<&InvalidEvent>| {
            let ids = invalid
                .map(|invalid| EventIds::of(&invalid.event))
                .unwrap_or_default();
            let entry = json!({
                "received_at": times::format_time(request.received_ms),
                "path": request.path,
                "answered": request.response_status,
                "error": self.response.error(),
                "index": invalid.map(|invalid| invalid.index),
                "reasons": invalid.map_or_else(|| vec![self.response.error()], |invalid| invalid.reasons.clone()),
                "user_id": ids.user_id,
                "device_id": ids.device_id,
                "insert_id": ids.insert_id,
                "event_type": ids.event_type,
                "event": invalid.map(|invalid| shortened(&invalid.event)),
                "local": {"sequence": sequence},
            });
            (ids, entry)
        };
        if self.invalid_events.is_empty() {
            return vec![entry(first, None)];
        }
        (first..)
            .zip(&self.invalid_events)
            .map(|(sequence, invalid)| entry(sequence, Some(invalid)))
            .collect()
    }
}

/// The event, or its first 1024 characters when its JSON has more than 16 KiB.
fn shortened(event: &Value) -> Value {
    const MAX_BYTES: usize = 16 << 10;
    let text = event.to_string();
    if text.len() <= MAX_BYTES {
        return event.clone();
    }
    let start: String = text.chars().take(1024).collect();
    json!({"too long to keep, it begins": start})
}
