use serde_json::json;

use super::*;

const NOW: i64 = 1_795_000_000_000;
const DEVICE: &str = "device-0001";

fn rules(user: Option<UserId>) -> BatchRules {
    let sender = |device: &str, user| EventSender {
        device: DeviceId::parse(device).unwrap(),
        user,
        until_ms: None,
    };
    let senders = vec![sender(DEVICE, user), sender("device-0002", None)];
    BatchRules::new(senders, NOW, Some(NOW), None)
}

#[test]
fn fields_of_events() {
    let me = UserId::parse("0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b01").unwrap();
    let event = |name: &str| json!({"event_type": name, "device_id": DEVICE, "user_id": me.to_string()});
    let with = |name: &str, key: &str, value: Value| {
        let mut event = event(name);
        event[key] = value;
        event
    };
    for (what, event, field) in [
        ("a feature event", event("Poll created"), None),
        ("a page view", event("[Amplitude] Page Viewed"), None),
        (
            "no user yet",
            json!({"event_type": "session_start", "device_id": DEVICE}),
            None,
        ),
        (
            "an event of the device before the sign-out",
            json!({"event_type": "session_start", "device_id": "device-0002"}),
            None,
        ),
        (
            "a user on a device that had none",
            with("Poll created", "device_id", json!("device-0002")),
            Some("user_id"),
        ),
        (
            "another device",
            with("Poll created", "device_id", json!("device-0003")),
            Some("device_id"),
        ),
        (
            "no device",
            with("Poll created", "device_id", Value::Null),
            Some("device_id"),
        ),
        (
            "an insert ID of a server event",
            with("Poll created", "insert_id", json!("trial-converted:sub_1")),
            Some("insert_id"),
        ),
        (
            "an insert ID that the server gave to a browser event",
            with("Poll created", "insert_id", json!("poll-created:1")),
            None,
        ),
        (
            "a property of server events",
            with(
                "Poll created",
                "event_properties",
                json!({"stripe_event": "evt_1"}),
            ),
            Some("event_properties"),
        ),
        (
            "how a server event got its IDs",
            with(
                "Poll created",
                "event_properties",
                json!({"stitched_by": "sdk cookie"}),
            ),
            Some("event_properties"),
        ),
        (
            "groups",
            with("Poll created", "groups", json!({"org": "x"})),
            Some("groups"),
        ),
        (
            "properties of groups",
            with("Poll created", "group_properties", json!({"a": 1})),
            Some("group_properties"),
        ),
        (
            "a time that is text",
            with("Poll created", "time", json!("now")),
            Some("time"),
        ),
        (
            "no user, as null",
            with("session_start", "user_id", Value::Null),
            None,
        ),
        (
            "attribution",
            with(
                "$identify",
                "user_properties",
                json!({"$setOnce": {"initial_utm_source": "x"}, "$unset": {"gclid": "-"}}),
            ),
            None,
        ),
        ("a server's event", event("Sign-up completed"), Some("event_type")),
        (
            "revenue by name",
            event("[Amplitude] Revenue"),
            Some("event_type"),
        ),
        ("a made-up name", event("Poll created "), Some("event_type")),
        ("no name", json!({}), Some("event_type")),
        ("no object", json!(7), Some("event_type")),
        (
            "money",
            with("Poll created", "revenue", json!(12)),
            Some("revenue"),
        ),
        (
            "money of zero",
            with("Poll created", "price", json!(0)),
            Some("price"),
        ),
        (
            "money as a property",
            with("Poll created", "event_properties", json!({"$revenue": 12})),
            Some("event_properties"),
        ),
        (
            "a server's property",
            with("$identify", "user_properties", json!({"account_type": "pro"})),
            Some("user_properties"),
        ),
        (
            "a server's property, set",
            with(
                "$identify",
                "user_properties",
                json!({"$set": {"subscription_status": "active"}}),
            ),
            Some("user_properties"),
        ),
        (
            "a server's property, unset",
            with(
                "$identify",
                "user_properties",
                json!({"$unset": {"customer_id": "-"}}),
            ),
            Some("user_properties"),
        ),
        (
            "all properties",
            with("$identify", "user_properties", json!({"$clearAll": "-"})),
            Some("user_properties"),
        ),
        (
            "an operation on nothing",
            with("$identify", "user_properties", json!({"$set": "x"})),
            Some("user_properties"),
        ),
        (
            "another user",
            with(
                "Poll created",
                "user_id",
                json!("0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b02"),
            ),
            Some("user_id"),
        ),
        (
            "no user ID of ours",
            with("Poll created", "user_id", json!("ada@example.com")),
            Some("user_id"),
        ),
        (
            "a number",
            with("Poll created", "user_id", json!(7)),
            Some("user_id"),
        ),
    ] {
        assert_eq!(bad_field(&event, &rules(Some(me))), field, "{what}");
    }
}

#[test]
fn indexes_are_those_of_the_batch() {
    let events = [
        json!({"event_type": "Nope"}),
        json!({"event_type": "session_start", "device_id": DEVICE}),
        json!({"event_type": "Nope"}),
    ];
    assert_eq!(
        refused(&events, &rules(None)),
        RefusedEvents::from([("event_type", vec![0, 2])])
    );
}

#[test]
fn times() {
    const DAY: i64 = 24 * 3_600_000;
    const MINUTE: i64 = 60_000;
    let two_hours = 120 * MINUTE;
    for (what, time, uploaded, consented, expected) in [
        ("now", json!(NOW), Some(NOW), None, true),
        ("without a time", Value::Null, Some(NOW), None, true),
        (
            "kept offline for a week",
            json!(NOW - 7 * DAY),
            Some(NOW),
            None,
            true,
        ),
        ("older", json!(NOW - 7 * DAY - 1), Some(NOW), None, false),
        ("a bit ahead", json!(NOW + 5 * MINUTE), Some(NOW), None, true),
        ("far ahead", json!(NOW + 5 * MINUTE + 1), Some(NOW), None, false),
        ("a fraction", json!(1.5), Some(NOW), None, false),
        (
            "not a number of this range",
            json!(i64::MIN),
            Some(i64::MAX),
            None,
            false,
        ),
        (
            "a clock two hours ahead",
            json!(NOW + two_hours),
            Some(NOW + two_hours),
            None,
            true,
        ),
        (
            "without the time of the upload",
            json!(NOW + two_hours),
            None,
            None,
            false,
        ),
        (
            "a right clock and a wrong upload",
            json!(NOW),
            Some(NOW - 8 * DAY),
            None,
            false,
        ),
        (
            "a clock that Amplitude does not correct",
            json!(NOW + 30_000),
            Some(NOW + 30_000),
            None,
            true,
        ),
        (
            "after consent",
            json!(NOW - 100),
            Some(NOW),
            Some(NOW - 100),
            true,
        ),
        (
            "before consent",
            json!(NOW - 2_000),
            Some(NOW),
            Some(NOW - 100),
            false,
        ),
        (
            "before consent, by a clock two hours ahead",
            json!(NOW + two_hours - 2_000),
            Some(NOW + two_hours),
            Some(NOW - 100),
            false,
        ),
    ] {
        let rules = BatchRules::new(Vec::new(), NOW, uploaded, consented);
        assert_eq!(rules.allowed_ms(Some(&time)).is_some(), expected, "{what}");
    }
}

#[test]
fn a_former_device_sends_events_from_before_its_end_only() {
    const ENDED: i64 = NOW - 3_600_000;
    let former = EventSender {
        device: DeviceId::parse(DEVICE).unwrap(),
        user: None,
        until_ms: Some(ENDED),
    };
    let rules = BatchRules::new(vec![former], NOW, Some(NOW), None);
    let event = |time: Value| json!({"event_type": "session_start", "device_id": DEVICE, "time": time});
    for (time, field) in [
        (json!(ENDED - 1), None),
        (json!(ENDED + MAX_AHEAD_MS), None),
        (json!(ENDED + MAX_AHEAD_MS + 1), Some("time")),
        (json!(NOW), Some("time")),
        (Value::Null, Some("time")),
    ] {
        assert_eq!(bad_field(&event(time.clone()), &rules), field, "{time}");
    }
}
