//! What makes a difference between two stories, and what does not.

use serde_json::json;

use super::*;

/// What the collector has of somebody; IDs end in `who`, and everything is so many seconds later.
fn exported(who: &str, later: i64) -> Vec<Value> {
    let device = format!("d0000000-0000-4000-8000-00000000000{who}");
    let user = format!("a0000000-0000-7000-8000-00000000000{who}");
    let click = format!("c0000000-0000-4000-8000-00000000000{who}");
    let session = 1_795_000_000_000 + later * 1_000;
    let time = |second: i64| format!("2026-11-18 11:00:{:02}.120000", second + later);
    vec![
        json!({
            "event_type": "Trial converted", "event_time": time(9), "user_id": user, "device_id": format!("of {user}"),
            "session_id": -1, "$insert_id": format!("trial-converted:sub_{who}"), "library": "seamline-server/0.1.0",
            "event_properties": {
                "stripe_event": format!("evt_{who}2"), "$revenue": 12.0, "amount_minor": 1_200,
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
            "session_id": session, "$insert_id": format!("trial-started:sub_{who}"),
            "library": "seamline-server/0.1.0", "server_upload_time": time(4),
            "event_properties": {
                "stripe_event": format!("evt_{who}1"), "click": click, "stitched_by": "checkout handoff",
                "path": format!("/polls/{click}?at=179500000{who}"),
            },
            "user_properties": {
                "subscription_status": "trialing", "stripe_customer_id": format!("cus_{who}"), "is_logged_in": true,
            },
            "local": {"derived_device": false, "plan": {"status": "valid"}},
        }),
    ]
}

fn told(mut exported: Vec<Value>, change: impl FnOnce(&mut Vec<Value>)) -> Vec<Told> {
    // What arrives last is what the person is.
    let in_the_end = exported[0]["user_properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    change(&mut exported);
    let events: Vec<ReceivedEvent> = exported.iter().filter_map(ReceivedEvent::from_export).collect();
    assert_eq!(events.len(), exported.len(), "each can be read");
    story(&events, &in_the_end)
}

/// In what Bob’s story differs from Ada’s.
fn beside_ada(change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
    differences(&told(exported("2", 30), change), &told(exported("1", 0), |_| ()))
}

#[test]
fn raw_ids_and_moments_are_gone_and_what_belongs_together_still_does() {
    let story = told(exported("1", 0), |_| ());
    let names: Vec<&str> = story.iter().map(|told| told.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Trial checkout clicked",
            "Trial started",
            "Trial converted",
            "in the end"
        ]
    );
    let of = |place: usize, field: &str| story[place].fields.get(field).cloned().unwrap_or_default();
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
    for (place, field, expected) in table {
        assert_eq!(of(place, field), expected, "{place}: {field}");
    }
}

#[test]
fn what_may_differ_makes_no_difference() {
    assert_eq!(beside_ada(|_| ()), [""; 0], "another person, half a minute later");
    let allowed: [fn(&mut Vec<Value>); 4] = [
        |events| events.reverse(),
        |events| events[2]["server_upload_time"] = json!("2026-11-18 12:00:00.000000"),
        |events| events[2]["event_properties"]["stitched_by"] = json!("portal visit"),
        // Another event had arrived before it, or had not.
        |events| events[2]["user_properties"]["is_logged_in"] = json!(false),
    ];
    for change in allowed {
        assert_eq!(beside_ada(change), [""; 0]);
    }
}

#[test]
fn whatever_else_is_different_is_told() {
    type Change = fn(&mut Vec<Value>);
    let one: [(Change, &str); 11] = [
        (
            |events| events[2]["device_id"] = json!("another"),
            "1. Trial started: device is \"<device 2>\", and in peace \"<device 1>\"",
        ),
        (
            |events| events[2]["session_id"] = json!(1_795_000_000_001_i64),
            "1. Trial started: session is \"<session 2>\", and in peace \"<session 1>\"",
        ),
        (
            |events| events[2]["session_id"] = json!(-1),
            "1. Trial started: session is null, and in peace \"<session 1>\"",
        ),
        (
            |events| events[2]["user_id"] = Value::Null,
            "1. Trial started: user is null, and in peace \"<user 1>\"",
        ),
        (
            |events| events[2]["$insert_id"] = Value::Null,
            "1. Trial started: insert ID is null, and in peace \"trial-started:<sub 1>\"",
        ),
        (
            |events| events[0]["$insert_id"] = json!("trial-converted:sub_9"),
            "2. Trial converted: insert ID is \"trial-converted:<sub 2>\", and in peace \"trial-converted:<sub 1>\"",
        ),
        (
            |events| events[2]["event_properties"]["click"] = json!("e0000000-0000-4000-8000-000000000000"),
            "1. Trial started: property click is \"<id 2>\", and in peace \"<id 1>\"",
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
            "0. Trial checkout clicked: property interval is nothing, and in peace \"month\"",
        ),
        (
            |events| events[0]["event_properties"]["amount_minor"] = json!(1_201),
            "2. Trial converted: property amount_minor is 1201, and in peace 1200",
        ),
        (
            |events| events[0]["user_properties"]["subscription_status"] = json!("trialing"),
            "2. Trial converted: user property subscription_status is \"trialing\", and in peace \"active\"",
        ),
        (
            |events| events[1]["library"] = json!("seamline-server/0.1.0"),
            "0. Trial checkout clicked: source is \"server\", and in peace \"browser\"",
        ),
    ];
    for (change, expected) in one {
        let told = beside_ada(change);
        assert!(
            told.iter().any(|difference| difference == expected),
            "{expected}\nnot in {told:#?}"
        );
    }
    let order: [Change; 3] = [
        |events| drop(events.remove(0)),
        |events| events.push(events[0].clone()),
        |events| events[0]["event_time"] = json!("2026-11-18 11:00:02.000000"),
    ];
    for change in order {
        let told = beside_ada(change);
        assert!(told[0].starts_with("told in this order"), "{told:#?}");
    }
    let ended = |state: &str| {
        story(
            &[],
            &Map::from_iter([("subscription_status".to_owned(), json!(state))]),
        )
    };
    assert_eq!(
        differences(&ended("trialing"), &ended("expired")),
        [r#"0. in the end: user property subscription_status is "trialing", and in peace "expired""#]
    );
}
