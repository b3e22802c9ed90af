use serde_json::json;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn response_body(body: &[u8]) -> Value {
    match read(body, Endpoint::HttpV2, None, &Limits::default()) {
        Ok(upload) => json!({"events": upload.events.len()}),
        Err(refused) => refused.response.body.expect("a body"),
    }
}

fn response_to(request: &Value) -> Value {
    response_body(request.to_string().as_bytes())
}

#[test]
fn invalid_requests_are_refused() {
    let event = json!({"user_id": "user-1", "event_type": "x"});
    let many: Vec<_> = (0..2001).map(|_| event.clone()).collect();
    let rows = [
        (
            "empty",
            response_body(b""),
            json!({"code": 400, "error": "Missing request body"}),
        ),
        (
            "blank",
            response_body(b" \n"),
            json!({"code": 400, "error": "Missing request body"}),
        ),
        (
            "no JSON",
            response_body(b"{"),
            json!({"code": 400, "error": "Invalid JSON request body"}),
        ),
        (
            "no object",
            response_body(b"[]"),
            json!({"code": 400, "error": "Invalid JSON request body"}),
        ),
        (
            "no key",
            response_to(&json!({"events": [event]})),
            json!({"code": 400, "error": "Request missing required field", "missing_field": "api_key"}),
        ),
        (
            "bad key",
            response_to(&json!({"api_key": "short", "events": [event]})),
            json!({"code": 400, "error": "Invalid API key: short"}),
        ),
        (
            "no events",
            response_to(&json!({"api_key": KEY})),
            json!({"code": 400, "error": "Request missing required field", "missing_field": "events"}),
        ),
        (
            "empty events",
            response_to(&json!({"api_key": KEY, "events": []})),
            json!({"code": 400, "error": "Request missing required field", "missing_field": "events"}),
        ),
        (
            "events no list",
            response_to(&json!({"api_key": KEY, "events": {}})),
            json!({"code": 400, "error": "Invalid event JSON"}),
        ),
        (
            "event no object",
            response_to(&json!({"api_key": KEY, "events": [1]})),
            json!({"code": 400, "error": "Invalid event JSON"}),
        ),
        (
            "too many",
            response_to(&json!({"api_key": KEY, "events": many})),
            json!({"code": 413, "error": "Payload too large"}),
        ),
        (
            "good",
            response_to(&json!({"api_key": KEY, "events": [event]})),
            json!({"events": 1}),
        ),
    ];
    for (name, given, expected) in rows {
        assert_eq!(given, expected, "{name}");
    }
}

#[test]
fn only_the_configured_key_is_accepted() {
    assert!(is_accepted_key(None, KEY));
    assert!(!is_accepted_key(None, "0123"));
    assert!(is_accepted_key(Some("local"), "local"));
    assert!(!is_accepted_key(Some("local"), KEY));
}

#[test]
fn one_invalid_event_refuses_the_request_and_is_listed() {
    let request = json!({"api_key": KEY, "events": [
        {"user_id": "user-1", "event_type": "good", "insert_id": "a"},
        {"user_id": "user-1", "event_type": " "},
        {"user_id": "user-1"},
        {"user_id": "user-1", "event_type": "x", "time": "2014-04-01"},
    ]});
    let refused = read(
        request.to_string().as_bytes(),
        Endpoint::HttpV2,
        None,
        &Limits::default(),
    )
    .expect_err("three invalid events");
    assert_eq!(
        refused.response.body,
        Some(json!({
            "code": 400,
            "error": "Request missing required field",
            "events_with_missing_fields": {"event_type": [2]},
            "events_with_invalid_fields": {"event_type": [1], "time": [3]},
        }))
    );
    assert_eq!(
        refused
            .invalid_events
            .iter()
            .map(|event| event.index)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(refused.ids.len(), 4);
    assert_eq!(refused.ids[0].insert_id.as_deref(), Some("a"));
}

#[test]
fn min_id_length_is_an_option_of_the_request() {
    let event = json!({"user_id": "abc", "device_id": "device-1", "event_type": "x"});
    assert_eq!(
        response_to(&json!({"api_key": KEY, "events": [event]})),
        json!({
            "code": 400,
            "error": "Invalid id length for user_id or device_id",
            "events_with_invalid_id_lengths": {"user_id": [0]},
        })
    );
    assert_eq!(
        response_to(&json!({"api_key": KEY, "events": [event], "options": {"min_id_length": 3}})),
        json!({"events": 1})
    );
}

#[test]
fn a_batch_drops_short_ids_and_keeps_the_event() {
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
        refused.response.error(),
        "Invalid id length for user_id or device_id"
    );
}

#[test]
fn case_21_a_lone_surrogate_costs_one_character_and_no_event() {
    let request = format!(
        r#"{{"api_key": "{KEY}", "events": [
            {{"user_id": "user-1", "event_type": "cut \ud83d"}},
            {{"user_id": "user-1", "event_type": "b"}}
        ]}}"#
    );
    let upload = read(request.as_bytes(), Endpoint::HttpV2, None, &Limits::default()).unwrap();
    assert_eq!(upload.events.len(), 2);
    assert_eq!(upload.events[0].event_type, "cut \u{fffd}");

    let identification = r#"{"user_id": "user-1", "user_properties": {"name": "\ude00"}}"#;
    assert_eq!(
        read_identification(identification, &Limits::default())
            .unwrap()
            .len(),
        1
    );
}
