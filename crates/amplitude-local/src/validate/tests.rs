use serde_json::json;

use super::*;

fn check(raw: &Value) -> Result<IncomingEvent, EventFieldErrors> {
    let limits = Limits::default();
    read_event(
        raw,
        &EventRules {
            limits: &limits,
            min_id_length: limits.min_id_length,
            drops_short_ids: false,
        },
    )
}

/// A valid event with some fields replaced.
fn with(changes: Value) -> Value {
    let mut event = json!({"device_id": "device-1", "event_type": "x"});
    for (key, value) in changes.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// Nested objects.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({"a": 1}), |inner, _| json!({"a": inner}))
}

#[test]
fn invalid_events_are_rejected() {
    let rows = [
        (
            "no name",
            with(json!({"event_type": null})),
            "missing",
            "event_type",
        ),
        (
            "empty name",
            with(json!({"event_type": ""})),
            "invalid",
            "event_type",
        ),
        (
            "blank name",
            with(json!({"event_type": "  "})),
            "invalid",
            "event_type",
        ),
        (
            "numeric name",
            with(json!({"event_type": 5})),
            "invalid",
            "event_type",
        ),
        (
            "no ID",
            with(json!({"device_id": null})),
            "missing",
            "user_id device_id",
        ),
        (
            "short device",
            with(json!({"device_id": "abc"})),
            "id_lengths",
            "device_id",
        ),
        (
            "short number",
            with(json!({"user_id": 123})),
            "id_lengths",
            "user_id",
        ),
        (
            "short next to valid",
            with(json!({"user_id": "abc"})),
            "id_lengths",
            "user_id",
        ),
        (
            "forbidden",
            with(json!({"device_id": "unknown"})),
            "invalid",
            "device_id",
        ),
        (
            "forbidden, capital",
            with(json!({"user_id": "Anonymous"})),
            "invalid",
            "user_id",
        ),
        (
            "forbidden and short",
            with(json!({"user_id": "na"})),
            "invalid",
            "user_id",
        ),
        (
            "forbidden, empty",
            with(json!({"user_id": ""})),
            "invalid",
            "user_id",
        ),
        (
            "forbidden zeros",
            with(json!({"device_id": "00000000-0000-0000-0000-000000000000"})),
            "invalid",
            "device_id",
        ),
        ("object as ID", with(json!({"user_id": {}})), "invalid", "user_id"),
        (
            "ISO time",
            with(json!({"time": "2014-04-01T19:42:58Z"})),
            "invalid",
            "time",
        ),
        (
            "digits as text",
            with(json!({"time": "1396381378123"})),
            "invalid",
            "time",
        ),
        ("fraction of a ms", with(json!({"time": 1.5})), "invalid", "time"),
        ("negative time", with(json!({"time": -1})), "invalid", "time"),
        (
            "far future",
            with(json!({"time": 999_999_999_999_999_i64})),
            "invalid",
            "time",
        ),
        (
            "session as text",
            with(json!({"session_id": "1"})),
            "invalid",
            "session_id",
        ),
        (
            "session -2",
            with(json!({"session_id": -2})),
            "invalid",
            "session_id",
        ),
        (
            "properties as list",
            with(json!({"event_properties": []})),
            "invalid",
            "event_properties",
        ),
        (
            "deep properties",
            with(json!({"event_properties": nested(41)})),
            "invalid",
            "event_properties",
        ),
        (
            "deep user properties",
            with(json!({"user_properties": nested(41)})),
            "invalid",
            "user_properties",
        ),
        (
            "mixed operations",
            with(json!({"user_properties": {"$set": {}, "a": 1}})),
            "invalid",
            "user_properties",
        ),
        (
            "price as text",
            with(json!({"price": "9.99"})),
            "invalid",
            "price",
        ),
        (
            "half a quantity",
            with(json!({"quantity": 0.5})),
            "invalid",
            "quantity",
        ),
        (
            "platform as object",
            with(json!({"platform": {}})),
            "invalid",
            "platform",
        ),
        (
            "insert ID as list",
            with(json!({"insert_id": []})),
            "invalid",
            "insert_id",
        ),
    ];
    for (name, raw, kind, fields) in rows {
        let errors = check(&raw).expect_err(name);
        let fields_with_errors = match kind {
            "missing" => &errors.missing,
            "invalid" => &errors.invalid,
            _ => &errors.id_lengths,
        };
        assert_eq!(fields_with_errors.join(" "), fields, "{name}: {errors:?}");
        assert_eq!(errors.reasons.len(), 1, "{name}: {errors:?}");
    }
}

#[test]
fn all_errors_of_an_event_are_reported() {
    let errors =
        check(&with(json!({"event_type": " ", "time": "x", "device_id": "abc"}))).expect_err("three");
    assert_eq!(errors.invalid, ["event_type", "time"]);
    assert_eq!(errors.id_lengths, ["device_id"]);
    assert_eq!(errors.reasons.len(), 3);
}

#[test]
fn valid_events_are_read() {
    let event = check(&with(json!({
        "user_id": 12345, "time": 1_396_381_378_123.0, "session_id": -1, "event_id": 7, "insert_id": "",
        "platform": "Web", "location_lat": 1, "groups": {"team": "a"}, "plan": {}, "unknown_field": 1,
        "$skip_user_properties_sync": true,
    })))
    .expect("a valid event");
    assert_eq!(event.user_id.as_deref(), Some("12345"));
    assert_eq!(event.time_ms, Some(1_396_381_378_123));
    assert_eq!(
        (event.session_id, event.event_id, event.insert_id),
        (None, Some(7), None)
    );
    assert!(event.skip_user_properties_sync);
    assert_eq!(
        Value::Object(event.context),
        json!({"platform": "Web", "location_lat": 1.0, "groups": {"team": "a"}})
    );
}

#[test]
fn forty_levels_are_accepted() {
    let event = check(&with(json!({"event_properties": nested(40)}))).expect("a valid event");
    assert_eq!(Value::Object(event.event_properties), nested(40));
}

#[test]
fn long_strings_are_truncated() {
    let long = "é".repeat(1025);
    let truncated = "é".repeat(1024);
    let event = check(&with(json!({
        "device_id": long, "event_type": long, "event_properties": {"a": [{"b": long}], "c": 1},
    })))
    .expect("a valid event");
    assert_eq!(event.device_id.as_deref(), Some(truncated.as_str()));
    assert_eq!(event.event_type, truncated);
    assert_eq!(
        Value::Object(event.event_properties),
        json!({"a": [{"b": truncated}], "c": 1})
    );
}

#[test]
fn price_times_quantity_takes_precedence_over_revenue() {
    let rows = [
        ("nothing", RevenueFields::default(), None),
        (
            "revenue",
            RevenueFields {
                revenue: Some(-5.0),
                ..RevenueFields::default()
            },
            Some(-5.0),
        ),
        (
            "price",
            RevenueFields {
                price: Some(3.0),
                ..RevenueFields::default()
            },
            Some(3.0),
        ),
        (
            "all",
            RevenueFields {
                price: Some(3.0),
                quantity: Some(2),
                revenue: Some(1.0),
                ..RevenueFields::default()
            },
            Some(6.0),
        ),
        (
            "quantity alone",
            RevenueFields {
                quantity: Some(2),
                ..RevenueFields::default()
            },
            None,
        ),
    ];
    for (name, fields, expected) in rows {
        assert_eq!(fields.amount(), expected, "{name}");
    }
}
