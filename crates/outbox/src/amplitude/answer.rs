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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(user: &str, device: Option<&str>) -> Delivery {
        Delivery {
            insert_id: "insert".to_owned(),
            user_id: user.to_owned(),
            device_id: device.map(str::to_owned),
            event_type: "Sign-up completed".to_owned(),
            payload: "{}".to_owned(),
        }
    }

    /// ann from her laptop, bob from nowhere, ann from her phone, cid from ann's laptop.
    fn rows() -> Vec<Delivery> {
        vec![
            row("user-ann", Some("device-laptop")),
            row("user-bob", None),
            row("user-ann", Some("device-phone")),
            row("user-cid", Some("device-laptop")),
        ]
    }

    fn read(status: u16, body: &str) -> Answer {
        classify(status, body.as_bytes(), &rows().iter().collect::<Vec<_>>())
    }

    fn invalid(field: &str) -> Outcome {
        Outcome::Park(ParkReason::InvalidField(field.to_owned()))
    }

    fn missing(field: &str) -> Outcome {
        Outcome::Park(ParkReason::MissingField(field.to_owned()))
    }

    fn over_quota() -> Outcome {
        Outcome::Retry(Failure::new(
            FailureKind::QuotaExceeded,
            "429: over the daily quota",
        ))
    }

    #[test]
    fn each_answer_that_names_events() {
        let slow = throttled_outcome;
        let silenced = || Outcome::Park(ParkReason::Silenced);
        #[rustfmt::skip]
        let table = [
            (400, r#"{"code":400,"error":"Invalid field values on some events","events_with_invalid_fields":{"time":[1],"price":[3]}}"#,
                vec![(1, invalid("time")), (3, invalid("price"))]),
            (400, r#"{"code":400,"error":"Request missing required field","missing_field":"event_type","events_with_missing_fields":{"event_type":[0,2]}}"#,
                vec![(0, missing("event_type")), (2, missing("event_type"))]),
            (400, r#"{"code":400,"events_with_invalid_id_lengths":{"user_id":[2]}}"#,
                vec![(2, Outcome::Park(ParkReason::InvalidIdLength("user_id".to_owned())))]),
            // Places that do not exist are not counted.
            (400, r#"{"code":400,"events_with_invalid_fields":{"time":[0,4,9999999999,-1,"x"]}}"#,
                vec![(0, invalid("time"))]),
            (400, r#"{"code":400,"error":"Events silenced for device_id","eps_threshold":10,"silenced_devices":[],"silenced_events":[1,2]}"#,
                vec![(1, silenced()), (2, silenced())]),
            (400, r#"{"code":400,"error":"Events silenced for device_id","silenced_devices":["device-laptop"],"throttled_devices":{"device-phone":12}}"#,
                vec![(0, silenced()), (2, slow()), (3, silenced())]),
            // Silenced and throttled at once: silenced.
            (400, r#"{"code":400,"error":"Events silenced for device_id","silenced_events":[0],"throttled_events":[0,1]}"#,
                vec![(0, silenced()), (1, slow())]),
            (429, r#"{"code":429,"error":"Too many requests for some devices and users","throttled_events":[3]}"#,
                vec![(3, slow())]),
            (429, r#"{"code":429,"throttled_users":{"user-ann":31}}"#, vec![(0, slow()), (2, slow())]),
            (429, r#"{"code":429,"throttled_devices":{"device-laptop":31}}"#, vec![(0, slow()), (3, slow())]),
            (429, r#"{"code":429,"exceeded_daily_quota_users":{"user-bob":500000},"throttled_events":[1,2]}"#,
                vec![(1, over_quota()), (2, slow())]),
            (429, r#"{"code":429,"exceeded_daily_quota_devices":{"device-phone":500000}}"#, vec![(2, over_quota())]),
            // A proxy in between made it a 200; the code still tells.
            (200, r#"{"code":400,"events_with_invalid_fields":{"time":[1]}}"#, vec![(1, invalid("time"))]),
        ];
        for (status, body, named) in table {
            assert_eq!(read(status, body), Answer::Named(named), "{status} {body}");
        }
    }

    #[test]
    fn each_answer_that_concerns_the_whole_request() {
        use FailureKind::*;
        #[rustfmt::skip]
        let table = [
            (200, r#"{"ok":true}"#,                                               Unknown),
            (200, "<html>log in to the airport's network</html>",                 Unknown),
            (200, "",                                                             Unknown),
            (200, r#"{"code":4000000}"#,                                          Unknown),
            (202, r#"{"code":200}"#,                                              Unknown),
            (400, r#"{"code":400,"error":"Invalid API key: 0123456789abcdef"}"#,  Misconfigured),
            (400, r#"{"code":400,"error":"Invalid API key"}"#,                    Misconfigured),
            (400, r#"{"code":400,"error":"Request missing required field","missing_field":"api_key"}"#, Misconfigured),
            (400, r#"{"code":400,"error":"Invalid request path"}"#,               Misconfigured),
            (400, r#"{"code":400,"error":"Missing request body"}"#,               Misconfigured),
            (400, "<html>Bad Request</html>",                                     Refused),
            (400, r#"{"code":400}"#,                                              Refused),
            (403, r#"{"code":403,"error":"Forbidden"}"#,                          Refused),
            (301, "",                                                             Refused),
            (401, "",                                                             Refused),
            (404, "not found",                                                    Refused),
            (408, "",                                                             Unknown),
            (429, "slow down",                                                    Overloaded),
            (429, r#"{"code":429,"error":"Too many requests","throttled_users":{},"throttled_events":[]}"#, Overloaded),
            (429, r#"{"code":429,"throttled_users":{"somebody-else":31}}"#,       Overloaded),
            (500, "",                                                             Unknown),
            (502, "<html>",                                                       Unknown),
            (503, "",                                                             NotAccepted),
            (503, r#"{"code":200}"#,                                              NotAccepted),
            (504, "",                                                             Unknown),
            (599, "",                                                             Unknown),
        ];
        for (status, body, kind) in table {
            match read(status, body) {
                Answer::Whole(failure) => {
                    assert_eq!(failure.kind, kind, "{status} {body}");
                    assert!(
                        !failure.detail.contains("0123456789abcdef"),
                        "the key is repeated: {}",
                        failure.detail
                    );
                }
                other => panic!("{status} {body}: {other:?}"),
            }
        }
    }

    #[test]
    fn each_answer_that_names_nobody_and_blames_somebody() {
        #[rustfmt::skip]
        let table = [
            (413, r#"{"code":413,"error":"Payload too large"}"#, ParkReason::TooLarge),
            (413, "",                                            ParkReason::TooLarge),
            (400, r#"{"code":400,"error":"Request missing required field","missing_field":"event_type"}"#,
                ParkReason::MissingField("event_type".to_owned())),
            (400, r#"{"code":400,"error":"Invalid event JSON"}"#, ParkReason::Refused("Invalid event JSON".to_owned())),
            (400, r#"{"code":400,"error":"Invalid JSON request body"}"#,
                ParkReason::Refused("Invalid JSON request body".to_owned())),
            // Named, but beyond the request: nobody knows whom it means.
            (400, r#"{"code":400,"error":"Invalid field values on some events","events_with_invalid_fields":{"time":[77]}}"#,
                ParkReason::Refused("Invalid field values on some events".to_owned())),
        ];
        for (status, body, reason) in table {
            assert_eq!(read(status, body), Answer::Halve(reason), "{status} {body}");
        }
    }

    #[test]
    fn only_200_with_code_200_is_accepted() {
        assert_eq!(
            read(200, r#"{"code":200,"events_ingested":4,"payload_size_bytes":9}"#),
            Answer::Accepted
        );
        for status in (100..600).filter(|status| *status != 200) {
            assert_ne!(
                read(status, r#"{"code":200,"events_ingested":4}"#),
                Answer::Accepted,
                "{status}"
            );
        }
    }

    #[test]
    fn what_a_receiver_says_is_kept_short() {
        let long = format!(r#"{{"code":400,"error":"{}\n"}}"#, "x".repeat(5_000));
        assert_eq!(
            read(400, &long),
            Answer::Halve(ParkReason::Refused("x".repeat(120)))
        );
    }
}
