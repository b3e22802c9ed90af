//! What an answer of HTTP V2 means for each event of its request (`HTTP V2`, "Responses"): pure.
//!
//! | status | body | meaning |
//! |---|---|---|
//! | 200 | `code` 200 | accepted |
//! | 200 | anything else | not Amplitude's answer: outcome unknown |
//! | 400 | invalid key, request path, missing body | an operator must act; nothing was accepted |
//! | 400 | `events_with_…`, `silenced_…` | the named events are parked; nothing was accepted, the rest goes again |
//! | 400 | another `error` | one of the events is to blame: halve, and park the one that is refused alone |
//! | 400 | no JSON | a proxy's: refused |
//! | 413 | | halve; one that is too large alone is parked |
//! | 429 | `throttled_…`, `exceeded_daily_quota_…` | the named wait, the rest goes again |
//! | 429 | names nobody | everybody waits |
//! | 503 | | not accepted |
//! | 408, other 5xx | | outcome unknown |
//! | 403, other 4xx, 3xx | | something refuses us |
//! | anything else | | outcome unknown |

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Delivery, Failure, FailureKind, Outcome, ParkReason};

/// What is to be done with the events of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// All are in.
    Accepted,
    /// These, by their place in the request, end so; nothing was accepted, and the others go again at once.
    /// Never empty.
    Named(Vec<(usize, Outcome)>),
    /// One of them is to blame and nobody says which; alone, it is parked with this reason.
    Halve(ParkReason),
    /// All failed alike.
    Whole(Failure),
}

/// Reads the answer to a request with `rows`.
pub(super) fn classify(status: u16, body: &[u8], rows: &[&Delivery]) -> Answer {
    let body = serde_json::from_slice::<Value>(body)
        .ok()
        .filter(Value::is_object);
    // Behind a proxy that answers 200 to everything the code in the body still tells; so do Amplitude's own SDKs.
    let code = body
        .as_ref()
        .and_then(|body| body.get("code"))
        .and_then(Value::as_u64);
    let code = match (status, code) {
        (200, Some(code)) => u16::try_from(code).unwrap_or(0),
        (200, None) => return whole(FailureKind::Unknown, "200 without a code: not Amplitude's answer"),
        (status, _) => status,
    };
    let body = body.unwrap_or(Value::Null);
    match code {
        200 => Answer::Accepted,
        400 => bad_request(&body, rows),
        413 => Answer::Halve(ParkReason::TooLarge),
        429 => too_many(&body, rows),
        503 => whole(FailureKind::NotAccepted, "503 service unavailable"),
        408 | 500..=599 => whole(FailureKind::Unknown, format!("{code} from Amplitude")),
        403 => whole(
            FailureKind::Refused,
            "403 forbidden: a firewall, or a region that Amplitude does not serve",
        ),
        300..=499 => whole(
            FailureKind::Refused,
            format!("{code}: is the address Amplitude's?"),
        ),
        _ => whole(FailureKind::Unknown, format!("{code}: not Amplitude's answer")),
    }
}

fn whole(kind: FailureKind, detail: impl Into<String>) -> Answer {
    Answer::Whole(Failure::new(kind, detail))
}

fn bad_request(body: &Value, rows: &[&Delivery]) -> Answer {
    let error = body.get("error").and_then(Value::as_str).unwrap_or_default();
    let missing = body.get("missing_field").and_then(Value::as_str);
    // The texts are ours: Amplitude's repeats the key.
    if starts_with(error, "Invalid API key") || missing == Some("api_key") {
        return whole(FailureKind::Misconfigured, "Amplitude does not know the API key");
    }
    if starts_with(error, "Invalid request path") {
        return whole(
            FailureKind::Misconfigured,
            "the Amplitude URL has a path that Amplitude does not know",
        );
    }
    if starts_with(error, "Missing request body") || missing == Some("events") {
        return whole(
            FailureKind::Misconfigured,
            "requests reach Amplitude without their body",
        );
    }
    let mut named = BTreeMap::new();
    // A later one overrides an earlier one: to be silenced is final, to be throttled is not.
    name_rows(&mut named, rows, throttled(body, rows), &throttled_outcome());
    for (list, reason) in BAD_FIELDS {
        for (field, places) in fields(body, list) {
            name_rows(&mut named, rows, places, &Outcome::Park(reason(field)));
        }
    }
    let silenced =
        places(body.get("silenced_events")).chain(rows_of(rows, &keys(body, "silenced_devices"), &[]));
    name_rows(&mut named, rows, silenced, &Outcome::Park(ParkReason::Silenced));
    if !named.is_empty() {
        return Answer::Named(named.into_iter().collect());
    }
    match (missing, error) {
        (Some(field), _) => Answer::Halve(ParkReason::MissingField(short(field))),
        (None, "") => whole(
            FailureKind::Refused,
            "400 without a reason: not Amplitude's answer",
        ),
        (None, error) => Answer::Halve(ParkReason::Refused(short(error))),
    }
}

type Reason = fn(String) -> ParkReason;

/// Lists of indexes by field. The third is not in the documentation; Amplitude's SDKs read it.
const BAD_FIELDS: [(&str, Reason); 3] = [
    ("events_with_missing_fields", ParkReason::MissingField),
    ("events_with_invalid_id_lengths", ParkReason::InvalidIdLength),
    ("events_with_invalid_fields", ParkReason::InvalidField),
];

fn too_many(body: &Value, rows: &[&Delivery]) -> Answer {
    let mut named = BTreeMap::new();
    name_rows(&mut named, rows, throttled(body, rows), &throttled_outcome());
    let over = rows_of(
        rows,
        &keys(body, "exceeded_daily_quota_devices"),
        &keys(body, "exceeded_daily_quota_users"),
    );
    let over_quota = Failure::new(FailureKind::QuotaExceeded, "429: over the daily quota");
    name_rows(&mut named, rows, over, &Outcome::Retry(over_quota));
    if named.is_empty() {
        return whole(FailureKind::Overloaded, "429: too many requests");
    }
    Answer::Named(named.into_iter().collect())
}

fn throttled_outcome() -> Outcome {
    Outcome::Retry(Failure::new(
        FailureKind::Throttled,
        "429: too many events of this user or device",
    ))
}

/// Rows that are named by index, or through their device or user.
fn throttled(body: &Value, rows: &[&Delivery]) -> impl Iterator<Item = usize> {
    places(body.get("throttled_events")).chain(rows_of(
        rows,
        &keys(body, "throttled_devices"),
        &keys(body, "throttled_users"),
    ))
}

/// Notes the outcome for those places that exist.
fn name_rows(
    named: &mut BTreeMap<usize, Outcome>,
    rows: &[&Delivery],
    places: impl IntoIterator<Item = usize>,
    outcome: &Outcome,
) {
    named.extend(
        places
            .into_iter()
            .filter(|&place| place < rows.len())
            .map(|place| (place, outcome.clone())),
    );
}

fn rows_of(rows: &[&Delivery], devices: &[&str], users: &[&str]) -> std::vec::IntoIter<usize> {
    let meant = |row: &Delivery| {
        users.contains(&row.user_id.as_str())
            || row
                .device_id
                .as_deref()
                .is_some_and(|device| devices.contains(&device))
    };
    let places = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| meant(row))
        .map(|(place, _)| place);
    places.collect::<Vec<_>>().into_iter()
}

fn places(list: Option<&Value>) -> std::vec::IntoIter<usize> {
    let places = list
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64);
    places
        .filter_map(|place| usize::try_from(place).ok())
        .collect::<Vec<_>>()
        .into_iter()
}

/// `{field: [place, …]}`.
fn fields(body: &Value, list: &str) -> Vec<(String, std::vec::IntoIter<usize>)> {
    let fields = body.get(list).and_then(Value::as_object).into_iter().flatten();
    fields
        .map(|(field, list)| (short(field), places(Some(list))))
        .collect()
}

/// The IDs in `{id: rate}` or `[id]`: the documentation shows both shapes.
fn keys<'a>(body: &'a Value, list: &str) -> Vec<&'a str> {
    match body.get(list) {
        Some(Value::Object(by_id)) => by_id.keys().map(String::as_str).collect(),
        Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// What a receiver says goes into a column and a log: one line of it, not a page.
fn short(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(120)
        .collect()
}
