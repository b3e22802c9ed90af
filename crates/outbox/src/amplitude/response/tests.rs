//! Tests of every row of the response table.

use super::*;

fn row(user: &str, device: Option<&str>) -> OutboundEvent {
    OutboundEvent {
        insert_id: "insert".to_owned(),
        user_id: user.to_owned(),
        device_id: device.map(str::to_owned),
        event_type: "Sign-up completed".to_owned(),
        payload: "{}".to_owned(),
        trace_parent: None,
    }
}

/// ann on her laptop, bob without a device, ann on her phone, cid on ann's laptop.
fn rows() -> Vec<OutboundEvent> {
    vec![
        row("user-ann", Some("device-laptop")),
        row("user-bob", None),
        row("user-ann", Some("device-phone")),
        row("user-cid", Some("device-laptop")),
    ]
}

fn classify_text(status: u16, body: &str) -> RequestResult {
    classify(status, body.as_bytes(), &rows().iter().collect::<Vec<_>>())
}

fn invalid(field: &str) -> DeliveryOutcome {
    DeliveryOutcome::Park(ParkReason::InvalidField(field.to_owned()))
}

fn missing(field: &str) -> DeliveryOutcome {
    DeliveryOutcome::Park(ParkReason::MissingField(field.to_owned()))
}

fn over_quota() -> DeliveryOutcome {
    DeliveryOutcome::Retry(DeliveryFailure::new(
        FailureKind::QuotaExceeded,
        "429: over the daily quota",
    ))
}

#[test]
fn responses_that_name_events() {
    let throttled = throttled_outcome;
    let silenced = || DeliveryOutcome::Park(ParkReason::Silenced);
    #[rustfmt::skip]
    let table = [
        (400, r#"{"code":400,"error":"Invalid field values on some events","events_with_invalid_fields":{"time":[1],"price":[3]}}"#,
            vec![(1, invalid("time")), (3, invalid("price"))]),
        (400, r#"{"code":400,"error":"Request missing required field","missing_field":"event_type","events_with_missing_fields":{"event_type":[0,2]}}"#,
            vec![(0, missing("event_type")), (2, missing("event_type"))]),
        (400, r#"{"code":400,"events_with_invalid_id_lengths":{"user_id":[2]}}"#,
            vec![(2, DeliveryOutcome::Park(ParkReason::InvalidIdLength("user_id".to_owned())))]),
        // Indexes outside the request are ignored.
        (400, r#"{"code":400,"events_with_invalid_fields":{"time":[0,4,9999999999,-1,"x"]}}"#,
            vec![(0, invalid("time"))]),
        (400, r#"{"code":400,"error":"Events silenced for device_id","eps_threshold":10,"silenced_devices":[],"silenced_events":[1,2]}"#,
            vec![(1, silenced()), (2, silenced())]),
        (400, r#"{"code":400,"error":"Events silenced for device_id","silenced_devices":["device-laptop"],"throttled_devices":{"device-phone":12}}"#,
            vec![(0, silenced()), (2, throttled()), (3, silenced())]),
        // Both silenced and throttled: silenced.
        (400, r#"{"code":400,"error":"Events silenced for device_id","silenced_events":[0],"throttled_events":[0,1]}"#,
            vec![(0, silenced()), (1, throttled())]),
        (429, r#"{"code":429,"error":"Too many requests for some devices and users","throttled_events":[3]}"#,
            vec![(3, throttled())]),
        (429, r#"{"code":429,"throttled_users":{"user-ann":31}}"#, vec![(0, throttled()), (2, throttled())]),
        (429, r#"{"code":429,"throttled_devices":{"device-laptop":31}}"#, vec![(0, throttled()), (3, throttled())]),
        (429, r#"{"code":429,"exceeded_daily_quota_users":{"user-bob":500000},"throttled_events":[1,2]}"#,
            vec![(1, over_quota()), (2, throttled())]),
        (429, r#"{"code":429,"exceeded_daily_quota_devices":{"device-phone":500000}}"#, vec![(2, over_quota())]),
        // A proxy changed the status to 200. The code in the body counts.
        (200, r#"{"code":400,"events_with_invalid_fields":{"time":[1]}}"#, vec![(1, invalid("time"))]),
    ];
    for (status, body, named) in table {
        assert_eq!(
            classify_text(status, body),
            RequestResult::PerEvent(named),
            "{status} {body}"
        );
    }
}

#[test]
fn responses_about_the_whole_request() {
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
        (429, "try again later",                                                    Overloaded),
        (429, r#"{"code":429,"error":"Too many requests","throttled_users":{},"throttled_events":[]}"#, Overloaded),
        (429, r#"{"code":429,"throttled_users":{"another-user":31}}"#,       Overloaded),
        (500, "",                                                             Unknown),
        (502, "<html>",                                                       Unknown),
        (503, "",                                                             NotAccepted),
        (503, r#"{"code":200}"#,                                              NotAccepted),
        (504, "",                                                             Unknown),
        (599, "",                                                             Unknown),
    ];
    for (status, body, kind) in table {
        match classify_text(status, body) {
            RequestResult::Failed(failure) => {
                assert_eq!(failure.kind, kind, "{status} {body}");
                assert!(
                    !failure.detail.contains("0123456789abcdef"),
                    "the message contains the key: {}",
                    failure.detail
                );
            }
            other => panic!("{status} {body}: {other:?}"),
        }
    }
}

#[test]
fn responses_that_reject_one_event_without_naming_it() {
    #[rustfmt::skip]
    let table = [
        (413, r#"{"code":413,"error":"Payload too large"}"#, ParkReason::TooLarge),
        (413, "",                                            ParkReason::TooLarge),
        (400, r#"{"code":400,"error":"Request missing required field","missing_field":"event_type"}"#,
            ParkReason::MissingField("event_type".to_owned())),
        (400, r#"{"code":400,"error":"Invalid event JSON"}"#, ParkReason::Refused("Invalid event JSON".to_owned())),
        (400, r#"{"code":400,"error":"Invalid JSON request body"}"#,
            ParkReason::Refused("Invalid JSON request body".to_owned())),
        // The index is outside the request, so the invalid event is unknown.
        (400, r#"{"code":400,"error":"Invalid field values on some events","events_with_invalid_fields":{"time":[77]}}"#,
            ParkReason::Refused("Invalid field values on some events".to_owned())),
    ];
    for (status, body, reason) in table {
        assert_eq!(
            classify_text(status, body),
            RequestResult::Split(reason),
            "{status} {body}"
        );
    }
}

#[test]
fn only_200_with_code_200_is_accepted() {
    assert_eq!(
        classify_text(200, r#"{"code":200,"events_ingested":4,"payload_size_bytes":9}"#),
        RequestResult::Accepted
    );
    for status in (100..600).filter(|status| *status != 200) {
        assert_ne!(
            classify_text(status, r#"{"code":200,"events_ingested":4}"#),
            RequestResult::Accepted,
            "{status}"
        );
    }
}

#[test]
fn receiver_messages_are_shortened() {
    let long = format!(r#"{{"code":400,"error":"{}\n"}}"#, "x".repeat(5_000));
    assert_eq!(
        classify_text(400, &long),
        RequestResult::Split(ParkReason::Refused("x".repeat(120)))
    );
}
