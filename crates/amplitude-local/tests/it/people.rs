use serde_json::{Value, json};

use crate::support::{START_MS, TestCollector, names, send};

fn event(name: &str, device: Option<&str>, user: Option<&str>) -> Value {
    json!({"event_type": name, "device_id": device, "user_id": user})
}

#[tokio::test]
async fn a_sign_up_claims_the_devices_anonymous_history() {
    let server = TestCollector::start().await;
    server
        .accept(json!([event("page viewed", Some("device-1"), None)]))
        .await;
    let anonymous = server.find("device-1").await;
    server
        .accept(json!([event("sign-up", Some("device-1"), Some("user-1"))]))
        .await;
    assert_eq!(server.find("user-1").await, anonymous, "the same Amplitude ID");
    let activity = server.activity(anonymous).await;
    assert_eq!(names(&activity["events"]), ["sign-up", "page viewed"]);
    assert_eq!(activity["userData"]["merged_amplitude_ids"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_sign_in_merges_the_devices_anonymous_history() {
    let server = TestCollector::start().await;
    server
        .accept(json!([
            event("sign-up", Some("device-1"), Some("user-1")),
            event("page viewed", Some("device-2"), None),
        ]))
        .await;
    let (user, anonymous) = (server.find("user-1").await, server.find("device-2").await);
    assert_ne!(user, anonymous);
    server
        .accept(json!([event("sign-in", Some("device-2"), Some("user-1"))]))
        .await;

    assert_eq!(server.find("device-2").await, user);
    let activity = server.activity(user).await;
    assert_eq!(activity["userData"]["merged_amplitude_ids"], json!([anonymous]));
    assert_eq!(
        activity["userData"]["device_ids"],
        json!(["device-1", "device-2"])
    );
    assert_eq!(activity["userData"]["num_events"], 3);
    assert_eq!(names(&activity["events"]), ["sign-in", "page viewed", "sign-up"]);
    let ids: Vec<_> = activity["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["amplitude_id"].as_i64())
        .collect();
    assert_eq!(
        ids,
        [Some(user), Some(anonymous), Some(user)],
        "stored events keep their Amplitude ID"
    );
    assert_eq!(
        server.activity(anonymous).await["userData"]["canonical_amplitude_id"],
        user
    );
    server.stop().await;
}

#[tokio::test]
async fn a_second_user_of_a_device_is_another_person() {
    let server = TestCollector::start().await;
    server
        .accept(json!([
            event("first", Some("device-1"), Some("user-1")),
            event("anonymous 1", Some("device-1"), None),
            event("second", Some("device-1"), Some("user-2")),
            event("anonymous 2", Some("device-1"), None),
        ]))
        .await;
    let (first, second) = (server.find("user-1").await, server.find("user-2").await);
    assert_ne!(first, second);
    assert_eq!(
        names(&server.activity(first).await["events"]),
        ["anonymous 1", "first"]
    );
    assert_eq!(
        names(&server.activity(second).await["events"]),
        ["anonymous 2", "second"]
    );
    let both = server.json("/api/2/usersearch?user=device-1").await;
    assert_eq!(both["matches"].as_array().map(Vec::len), Some(2));
    server.stop().await;
}

#[tokio::test]
async fn a_user_without_a_device_gets_a_derived_one() {
    let server = TestCollector::start().await;
    server
        .accept(json!([event("renewal", None, Some("user-1"))]))
        .await;
    server
        .accept(json!([event("renewal", None, Some("user-1"))]))
        .await;
    let people = server.json("/local/people?query=user-1").await;
    let devices = people["people"][0]["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0]["derived"], true);
    let events = server.json("/local/events").await;
    assert_eq!(events["events"][0]["local"]["derived_device"], true);
    assert_eq!(events["events"][0]["device_id"], devices[0]["device_id"]);
    server.stop().await;
}

#[tokio::test]
async fn events_store_a_snapshot_of_user_properties() {
    let server = TestCollector::start().await;
    let with = |name: &str, properties: Value| json!({"event_type": name, "user_id": "user-1", "user_properties": properties});
    server
        .accept(json!([
            with("a", json!({"$set": {"plan": "free"}, "$setOnce": {"since": "2023"}})),
            with("b", json!({"$set": {"plan": "pro"}, "$setOnce": {"since": "2024"}, "$add": {"logins": 1}})),
            with("$identify", json!({"$unset": {"plan": "-"}})),
            {"event_type": "c", "user_id": "user-1", "user_properties": {"only": "here"}, "$skip_user_properties_sync": true},
            with("d", json!({})),
        ]))
        .await;
    let person = server.find("user-1").await;
    let activity = server.activity(person).await;
    let snapshots: Vec<_> = activity["events"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|event| event["user_properties"].clone())
        .collect();
    let last = json!({"since": "2023", "logins": 1});
    assert_eq!(
        snapshots,
        [
            json!({"plan": "free", "since": "2023"}),
            json!({"plan": "pro", "since": "2023", "logins": 1}),
            last.clone(),
            json!({"only": "here"}),
            last.clone(),
        ]
    );
    assert_eq!(activity["userData"]["properties"], last);
    assert_eq!(activity["userData"]["num_events"], 4, "$identify is not counted");
    server.stop().await;
}

#[tokio::test]
async fn a_merge_adds_totals_and_missing_properties() {
    let server = TestCollector::start().await;
    server
        .accept(json!([
            {"event_type": "a", "user_id": "user-1", "device_id": "device-1", "session_id": START_MS, "time": START_MS,
             "user_properties": {"plan": "pro"}, "revenue": 12.0},
            {"event_type": "b", "device_id": "device-2", "session_id": START_MS, "time": START_MS + 4000,
             "user_properties": {"plan": "free", "referrer": "x"}},
            {"event_type": "c", "device_id": "device-2", "session_id": START_MS + 5000, "time": START_MS + 5000, "revenue": -2.0},
            {"event_type": "d", "user_id": "user-1", "device_id": "device-2", "session_id": START_MS + 5000, "time": START_MS + 8000},
        ]))
        .await;
    let person = server.find("user-1").await;
    let data = server.activity(person).await["userData"].clone();
    let expected = json!({
        "num_events": 4, "num_sessions": 2, "usage_time": 7000, "revenue": 10.0, "purchases": 1,
        "properties": {"plan": "pro", "referrer": "x"},
        "first_used": "2023-11-14", "last_used": "2023-11-14",
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&data[key], value, "{key}");
    }
    server.stop().await;
}

#[tokio::test]
async fn session_length_uses_the_clients_clock() {
    let server = TestCollector::start().await;
    let at = |name: &str, session: Option<i64>, ms: i64| json!({"event_type": name, "user_id": "user-1", "session_id": session, "time": START_MS + ms});
    server
        .accept(json!([
            at("c", Some(START_MS), 9000),
            at("a", Some(START_MS), 2000),
            at("out", Some(-1), 60_000),
            at("out 2", None, 90_000),
            at("$identify", Some(START_MS), 20_000),
        ]))
        .await;
    let person = server.find("user-1").await;
    let sessions = server.json(&format!("/local/people/{person}")).await["sessions"].clone();
    assert_eq!(
        sessions,
        json!([{
            "session_id": START_MS, "first_event": "2023-11-14 22:13:22.000000",
            "last_event": "2023-11-14 22:13:29.000000", "length_ms": 7000, "events": 2,
        }])
    );
    assert_eq!(send(server.get("/local/people/1")).await.0, 404);
    server.stop().await;
}

#[tokio::test]
async fn people_are_found_by_their_properties() {
    let server = TestCollector::start().await;
    server
        .accept(json!([
            {"event_type": "a", "user_id": "user-1", "user_properties": {"plan": "pro", "active": true}},
            {"event_type": "a", "user_id": "user-2", "user_properties": {"plan": "free", "seats": 3}},
        ]))
        .await;
    let rows = [
        ("property=plan&value=pro", vec!["user-1"]),
        ("property=active&value=true", vec!["user-1"]),
        ("property=seats&value=3", vec!["user-2"]),
        ("property=plan", vec!["user-2", "user-1"]),
        ("property=plan&value=x%27%20OR%201", vec![]),
        ("query=user-", vec!["user-2", "user-1"]),
        ("query=ser-2", vec!["user-2"]),
        ("query=unknown", vec![]),
        ("", vec!["user-2", "user-1"]),
    ];
    for (query, expected) in rows {
        let people = server.json(&format!("/local/people?{query}")).await;
        let users: Vec<_> = people["people"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|person| person["user_id"].as_str())
            .collect();
        assert_eq!(users, expected, "{query}");
    }
    server.stop().await;
}
