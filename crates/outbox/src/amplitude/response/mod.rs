//! Classifies the responses of HTTP V2 (`HTTP V2`, "Responses"): the result for each event of the request. Pure
//! functions.
//!
//! | status | body | meaning |
//! |---|---|---|
//! | 200 | `code` 200 | accepted |
//! | 200 | anything else | not from Amplitude: outcome unknown |
//! | 400 | invalid key, request path, missing body | an operator must act; nothing was accepted |
//! | 400 | `events_with_…`, `silenced_…` | the named events are parked; nothing was accepted, the rest is resent |
//! | 400 | another `error` | one event is invalid: split the request, and park the event that is refused alone |
//! | 400 | not JSON | from a proxy: refused |
//! | 413 | | split the request; an event that is too large alone is parked |
//! | 429 | `throttled_…`, `exceeded_daily_quota_…` | the named users or events wait, the rest is resent |
//! | 429 | names no user, device or event | all users wait |
//! | 503 | | not accepted |
//! | 408, other 5xx | | outcome unknown |
//! | 403, other 4xx, 3xx | | the request is refused |
//! | anything else | | outcome unknown |

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{DeliveryFailure, DeliveryOutcome, FailureKind, OutboundEvent, ParkReason};

/// The result of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestResult {
    /// All events were accepted.
    Accepted,
    /// Outcomes of single events, by their index in the request. Nothing was accepted; the other events are resent at
    /// once. Never empty.
    PerEvent(Vec<(usize, DeliveryOutcome)>),
    /// One event is invalid, but the response does not name it. An event sent alone is parked with this reason.
    Split(ParkReason),
    /// All events failed for the same reason.
    Failed(DeliveryFailure),
}

/// Classifies the response to a request that contained `rows`.
pub(super) fn classify(status: u16, body: &[u8], rows: &[&OutboundEvent]) -> RequestResult {
    let body = serde_json::from_slice::<Value>(body)
        .ok()
        .filter(Value::is_object);
    // A proxy may respond 200 to every request. The code in the body is then the real one; Amplitude's SDKs use it too.
    let code = body
        .as_ref()
        .and_then(|body| body.get("code"))
        .and_then(Value::as_u64);
    let code = match (status, code) {
        (200, Some(code)) => u16::try_from(code).unwrap_or(0),
        (200, None) => {
            return failed(
                FailureKind::Unknown,
                "200 without a code: not a response from Amplitude",
            );
        }
        (status, _) => status,
    };
    let body = body.unwrap_or(Value::Null);
    match code {
        200 => RequestResult::Accepted,
        400 => bad_request(&body, rows),
        413 => RequestResult::Split(ParkReason::TooLarge),
        429 => too_many(&body, rows),
        503 => failed(FailureKind::NotAccepted, "503 service unavailable"),
        408 | 500..=599 => failed(FailureKind::Unknown, format!("{code} from Amplitude")),
        403 => failed(
            FailureKind::Refused,
            "403 forbidden: a firewall, or an unsupported region",
        ),
        300..=499 => failed(FailureKind::Refused, format!("{code}: check the Amplitude URL")),
        _ => failed(
            FailureKind::Unknown,
            format!("{code}: not a response from Amplitude"),
        ),
    }
}

fn failed(kind: FailureKind, detail: impl Into<String>) -> RequestResult {
    RequestResult::Failed(DeliveryFailure::new(kind, detail))
}

fn bad_request(body: &Value, rows: &[&OutboundEvent]) -> RequestResult {
    let error = body.get("error").and_then(Value::as_str).unwrap_or_default();
    let missing = body.get("missing_field").and_then(Value::as_str);
    // These messages replace Amplitude's, which contain the key.
    if starts_with(error, "Invalid API key") || missing == Some("api_key") {
        return failed(FailureKind::Misconfigured, "the API key is invalid");
    }
    if starts_with(error, "Invalid request path") {
        return failed(
            FailureKind::Misconfigured,
            "the path of the Amplitude URL is invalid",
        );
    }
    if starts_with(error, "Missing request body") || missing == Some("events") {
        return failed(
            FailureKind::Misconfigured,
            "requests reach Amplitude without a body",
        );
    }
    let mut named = BTreeMap::new();
    // Later entries override earlier ones: a silenced event is parked even if it is also throttled.
    set_outcomes(&mut named, rows, throttled(body, rows), &throttled_outcome());
    for (list, reason) in FIELD_ERRORS {
        for (field, indexes) in fields(body, list) {
            set_outcomes(&mut named, rows, indexes, &DeliveryOutcome::Park(reason(field)));
        }
    }
    let silenced =
        indexes(body.get("silenced_events")).chain(rows_of(rows, &keys(body, "silenced_devices"), &[]));
    set_outcomes(
        &mut named,
        rows,
        silenced,
        &DeliveryOutcome::Park(ParkReason::Silenced),
    );
    if !named.is_empty() {
        return RequestResult::PerEvent(named.into_iter().collect());
    }
    match (missing, error) {
        (Some(field), _) => RequestResult::Split(ParkReason::MissingField(short(field))),
        (None, "") => failed(
            FailureKind::Refused,
            "400 without a reason: not a response from Amplitude",
        ),
        (None, error) => RequestResult::Split(ParkReason::Refused(short(error))),
    }
}

type Reason = fn(String) -> ParkReason;

/// Response lists of event indexes by field. The third is undocumented; Amplitude's SDKs read it.
const FIELD_ERRORS: [(&str, Reason); 3] = [
    ("events_with_missing_fields", ParkReason::MissingField),
    ("events_with_invalid_id_lengths", ParkReason::InvalidIdLength),
    ("events_with_invalid_fields", ParkReason::InvalidField),
];

fn too_many(body: &Value, rows: &[&OutboundEvent]) -> RequestResult {
    let mut named = BTreeMap::new();
    set_outcomes(&mut named, rows, throttled(body, rows), &throttled_outcome());
    let over_quota = rows_of(
        rows,
        &keys(body, "exceeded_daily_quota_devices"),
        &keys(body, "exceeded_daily_quota_users"),
    );
    let failure = DeliveryFailure::new(FailureKind::QuotaExceeded, "429: over the daily quota");
    set_outcomes(&mut named, rows, over_quota, &DeliveryOutcome::Retry(failure));
    if named.is_empty() {
        return failed(FailureKind::Overloaded, "429: too many requests");
    }
    RequestResult::PerEvent(named.into_iter().collect())
}

fn throttled_outcome() -> DeliveryOutcome {
    DeliveryOutcome::Retry(DeliveryFailure::new(
        FailureKind::Throttled,
        "429: too many events of this user or device",
    ))
}

/// Indexes of the rows that the response throttles by index, device or user.
fn throttled(body: &Value, rows: &[&OutboundEvent]) -> impl Iterator<Item = usize> {
    indexes(body.get("throttled_events")).chain(rows_of(
        rows,
        &keys(body, "throttled_devices"),
        &keys(body, "throttled_users"),
    ))
}

/// Sets the outcome of each index that exists in the request.
fn set_outcomes(
    named: &mut BTreeMap<usize, DeliveryOutcome>,
    rows: &[&OutboundEvent],
    indexes: impl IntoIterator<Item = usize>,
    outcome: &DeliveryOutcome,
) {
    named.extend(
        indexes
            .into_iter()
            .filter(|&index| index < rows.len())
            .map(|index| (index, outcome.clone())),
    );
}

/// Indexes of the rows whose device or user is listed.
fn rows_of(rows: &[&OutboundEvent], devices: &[&str], users: &[&str]) -> std::vec::IntoIter<usize> {
    let is_named = |row: &OutboundEvent| {
        users.contains(&row.user_id.as_str())
            || row
                .device_id
                .as_deref()
                .is_some_and(|device| devices.contains(&device))
    };
    let indexes = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| is_named(row))
        .map(|(index, _)| index);
    indexes.collect::<Vec<_>>().into_iter()
}

fn indexes(list: Option<&Value>) -> std::vec::IntoIter<usize> {
    let indexes = list
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64);
    indexes
        .filter_map(|index| usize::try_from(index).ok())
        .collect::<Vec<_>>()
        .into_iter()
}

/// Reads `{field: [index, …]}`.
fn fields(body: &Value, list: &str) -> Vec<(String, std::vec::IntoIter<usize>)> {
    let fields = body.get(list).and_then(Value::as_object).into_iter().flatten();
    fields
        .map(|(field, list)| (short(field), indexes(Some(list))))
        .collect()
}

/// Reads the IDs of `{id: rate}` or `[id]`. The documentation shows both forms.
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

/// Limits a receiver's message to one short line, for a column and a log.
fn short(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(120)
        .collect()
}
