//! Tables of changes that are differences between two timelines, and of changes that are none.

use serde_json::json;

use super::*;

/// The export of a user. IDs end in `suffix`, and all times are `later_secs` later.
fn exported(suffix: &str, later_secs: i64) -> Vec<Value> {
    let device = format!("d0000000-0000-4000-8000-00000000000{suffix}");
    let user = format!("a0000000-0000-7000-8000-00000000000{suffix}");
    let click = format!("c0000000-0000-4000-8000-00000000000{suffix}");
    let session = 1_795_000_000_000 + later_secs * 1_000;
    let time = |second: i64| format!("2026-11-18 11:00:{:02}.120000", second + later_secs);
    vec![
        json!({
            "event_type": "Trial converted", "event_time": time(9), "user_id": user, "device_id": format!("of {user}"),
            "session_id": -1, "$insert_id": format!("trial-converted:sub_{suffix}"), "library": "seamline-server/0.1.0",
            "event_properties": {
                "stripe_event": format!("evt_{suffix}2"), "$revenue": 12.0, "amount_minor": 1_200,
                "stitched_by": "none by rule",
            },
            "user_properties": {"subscription_status": "active", "is_logged_in": true},
            "local": {"derived_device": true, "plan": {"status": "valid"}},
        }),
        json!({
            "event_type": "Trial checkout clicked", "event_time": time(1), "user_id": user, "device_id": device,
            "session_id": session, "$insert_id": click, "library": "amplitude-ts/2.48.1", "language": "en-GB",
            "event_properties": {"interval": "month"}, "user_properties": {"is_logged_in": true},
            "local": {"derived_device": false, "plan": {"status": "valid"}},
        }),
        json!({
            "event_type": "Trial started", "event_time": time(3), "user_id": user, "device_id": device,
            "session_id": session, "$insert_id": format!("trial-started:sub_{suffix}"),
            "library": "seamline-server/0.1.0", "server_upload_time": time(4),
            "event_properties": {
                "stripe_event": format!("evt_{suffix}1"), "click": click, "stitched_by": "checkout handoff",
                "path": format!("/polls/{click}?at=179500000{suffix}"),
            },
            "user_properties": {
                "subscription_status": "trialing", "stripe_customer_id": format!("cus_{suffix}"), "is_logged_in": true,
            },
            "local": {"derived_device": false, "plan": {"status": "valid"}},
        }),
    ]
}

fn timeline(mut exported: Vec<Value>, change: impl FnOnce(&mut Vec<Value>)) -> Vec<ComparableEvent> {
    // The first event of the export arrived last.
    let at_end = exported[0]["user_properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    change(&mut exported);
    let events: Vec<ReceivedEvent> = exported
        .iter()
        .cloned()
        .filter_map(ReceivedEvent::from_export)
        .collect();
    assert_eq!(events.len(), exported.len(), "each can be read");
    comparable_timeline(&events, &at_end)
}

/// The differences of Bob’s changed timeline from Ada’s.
fn differences_of(change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
    differences(
        &timeline(exported("2", 30), change),
        &timeline(exported("1", 0), |_| ()),
    )
}

#[test]
fn ids_and_times_are_replaced_and_equal_ids_stay_equal() {
    let timeline = timeline(exported("1", 0), |_| ());
    let names: Vec<&str> = timeline.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Trial checkout clicked",
            "Trial started",
            "Trial converted",
            "at the end"
        ]
    );
    let of = |index: usize, field: &str| timeline[index].fields.get(field).cloned().unwrap_or_default();
    #[rustfmt::skip]
    let table = [
        (0, "user",                               json!("<user 1>")),
        (0, "device",                             json!("<device 1>")),
        (0, "session",                            json!("<session 1>")),
        (0, "source",                             json!("browser")),
        (0, "insert ID",                          json!("<id 1>")),
        (0, "context",                            json!([["Language", "en-GB"], ["Library", "amplitude-ts/2.48.1"]])),
        (0, "user property is_logged_in",         Value::Null),
        (1, "device",                             json!("<device 1>")),
        (1, "insert ID",                          json!("trial-started:<sub 1>")),
        (1, "property click",                     json!("<id 1>")),
        (1, "property path",                      json!("/polls/<id 1>?at=<second>")),
        (1, "property stitched_by",               Value::Null),
        (1, "user property stripe_customer_id",   json!("<cus 1>")),
        (1, "user property is_logged_in",         Value::Null),
        (2, "user",                               json!("<user 1>")),
        (2, "device",                             json!("derived")),
        (2, "session",                            Value::Null),
        (2, "source",                             json!("stripe")),
        (2, "property $revenue",                  json!(12.0)),
        (2, "property amount_minor",              json!(1_200)),
        (2, "property stripe_event",              json!("<evt 2>")),
        (2, "user property subscription_status",  json!("active")),
    ];
    for (index, field, expected) in table {
        assert_eq!(of(index, field), expected, "{index}: {field}");
    }
}

#[test]
fn allowed_changes_are_no_differences() {
    assert_eq!(
        differences_of(|_| ()),
        [""; 0],
        "another user, half a minute later"
    );
    let allowed: [fn(&mut Vec<Value>); 4] = [
        |events| events.reverse(),
        |events| events[2]["server_upload_time"] = json!("2026-11-18 12:00:00.000000"),
        |events| events[2]["event_properties"]["stitched_by"] = json!("portal visit"),
        // Amplitude adds the properties of the time of arrival.
        |events| events[2]["user_properties"]["is_logged_in"] = json!(false),
    ];
    for change in allowed {
        assert_eq!(differences_of(change), [""; 0]);
    }
}

#[test]
fn other_changes_are_differences() {
    type Change = fn(&mut Vec<Value>);
    let one: [(Change, &str); 11] = [
        (
            |events| events[2]["device_id"] = json!("another"),
            "1. Trial started: device is \"<device 2>\"; undisturbed: \"<device 1>\"",
        ),
        (
            |events| events[2]["session_id"] = json!(1_795_000_000_001_i64),
            "1. Trial started: session is \"<session 2>\"; undisturbed: \"<session 1>\"",
        ),
        (
            |events| events[2]["session_id"] = json!(-1),
            "1. Trial started: session is null; undisturbed: \"<session 1>\"",
        ),
        (
            |events| events[2]["user_id"] = Value::Null,
            "1. Trial started: user is null; undisturbed: \"<user 1>\"",
        ),
        (
            |events| events[2]["$insert_id"] = Value::Null,
            "1. Trial started: insert ID is null; undisturbed: \"trial-started:<sub 1>\"",
        ),
        (
            |events| events[0]["$insert_id"] = json!("trial-converted:sub_9"),
            "2. Trial converted: insert ID is \"trial-converted:<sub 2>\"; undisturbed: \"trial-converted:<sub 1>\"",
        ),
        (
            |events| events[2]["event_properties"]["click"] = json!("e0000000-0000-4000-8000-000000000000"),
            "1. Trial started: property click is \"<id 2>\"; undisturbed: \"<id 1>\"",
        ),
        (
            |events| {
                drop(
                    events[1]["event_properties"]
                        .as_object_mut()
                        .unwrap()
                        .remove("interval"),
                );
            },
            "0. Trial checkout clicked: property interval is missing; undisturbed: \"month\"",
        ),
        (
            |events| events[0]["event_properties"]["amount_minor"] = json!(1_201),
            "2. Trial converted: property amount_minor is 1201; undisturbed: 1200",
        ),
        (
            |events| events[0]["user_properties"]["subscription_status"] = json!("trialing"),
            "2. Trial converted: user property subscription_status is \"trialing\"; undisturbed: \"active\"",
        ),
        (
            |events| events[1]["library"] = json!("seamline-server/0.1.0"),
            "0. Trial checkout clicked: source is \"server\"; undisturbed: \"browser\"",
        ),
    ];
    for (change, expected) in one {
        let found = differences_of(change);
        assert!(
            found.iter().any(|difference| difference == expected),
            "{expected}\nnot in {found:#?}"
        );
    }
    let order: [Change; 3] = [
        |events| drop(events.remove(0)),
        |events| events.push(events[0].clone()),
        |events| events[0]["event_time"] = json!("2026-11-18 11:00:02.000000"),
    ];
    for change in order {
        let found = differences_of(change);
        assert!(found[0].starts_with("the order is"), "{found:#?}");
    }
    let ended = |status: &str| {
        comparable_timeline(
            &[],
            &Map::from_iter([("subscription_status".to_owned(), json!(status))]),
        )
    };
    assert_eq!(
        differences(&ended("trialing"), &ended("expired")),
        [r#"0. at the end: user property subscription_status is "trialing"; undisturbed: "expired""#]
    );
}
