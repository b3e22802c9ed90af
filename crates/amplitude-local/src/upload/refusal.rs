//! A request of which nothing is kept, and what is written down of it.

use serde_json::{Value, json};

use crate::{
    answer::{Answer, EventIds},
    store::log::{Arrival, Outcome},
    times,
};

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
