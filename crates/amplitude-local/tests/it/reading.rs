use amplitude_local::CollectorSettings;
use serde_json::{Value, json};

use crate::support::{KEY, START_MS, TestCollector, names, send};

#[tokio::test]
async fn search_finds_people_by_every_kind_of_id() {
    let server = TestCollector::start().await;
    server
        .accept(json!([
            {"event_type": "a", "user_id": "user-1", "device_id": "device-1"},
            {"event_type": "a", "user_id": "user-12", "device_id": "device-2"},
        ]))
        .await;
    let person = server.find("user-12").await;
    let one = json!([{"user_id": "user-12", "amplitude_id": person}]);
    for (text, kind) in [
        ("user-12".to_owned(), "match_user_or_device_id"),
        ("device-2".to_owned(), "match_user_or_device_id"),
        (person.to_string(), "match_amplitude_id"),
    ] {
        let found = server.json(&format!("/api/2/usersearch?user={text}")).await;
        assert_eq!(found, json!({"matches": one, "type": kind}), "{text}");
    }
    let prefix = server.json("/api/2/usersearch?user=user-").await;
    assert_eq!(
        (prefix["matches"].as_array().map(Vec::len), &prefix["type"]),
        (Some(2), &json!("match_user_id_prefix"))
    );
    for text in ["unknown", "", "%25"] {
        let none = server.json(&format!("/api/2/usersearch?user={text}")).await;
        assert_eq!(none, json!({"matches": [], "type": "nomatch"}), "{text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn activity_pages_contain_whole_sessions() {
    let server = TestCollector::start().await;
    let at = |second: i64, session: Option<i64>| json!({"event_type": format!("e{second}"), "user_id": "user-1", "time": START_MS + second * 1000, "session_id": session});
    let session = Some(START_MS);
    // By time: e1, e3 and e4 are in the session; e2 and e5 are not.
    server
        .accept(json!([
            at(4, session),
            at(5, None),
            at(1, session),
            at(2, None),
            at(3, session)
        ]))
        .await;
    let person = server.find("user-1").await;
    let rows: [(&str, &[&str]); 7] = [
        ("", &["e5", "e4", "e3", "e2", "e1"]),
        ("limit=1", &["e5"]),
        ("limit=2", &["e5", "e4", "e3", "e1"]),
        ("limit=1&offset=3", &["e2"]),
        ("direction=earliest&limit=2", &["e1", "e2", "e3", "e4"]),
        ("direction=earliest&limit=1&offset=4", &["e5"]),
        ("offset=9", &[]),
    ];
    for (query, expected) in rows {
        let activity = server
            .json(&format!("/api/2/useractivity?user={person}&{query}"))
            .await;
        assert_eq!(names(&activity["events"]), expected, "{query}");
    }
    for (query, status) in [("user=1", 404), ("user=x", 400), ("", 400)] {
        assert_eq!(
            send(server.get(&format!("/api/2/useractivity?{query}"))).await.0,
            status,
            "{query}"
        );
    }
    let sideways = format!("/api/2/useractivity?user={person}&direction=sideways");
    assert_eq!(send(server.get(&sideways)).await.0, 400);
    server.stop().await;
}

#[tokio::test]
async fn user_data_has_the_documented_keys() {
    let server = TestCollector::start().await;
    server
        .accept(json!([{
            "event_type": "a", "user_id": "user-1", "device_id": "device-1", "platform": "iOS", "os_name": "ios",
            "os_version": "8.2", "app_version": "3.4.9", "device_manufacturer": "Apple", "device_model": "iPhone 6",
            "carrier": "AT&T", "country": "United States", "region": "California", "city": "San Francisco",
            "language": "en-US", "location_lat": 37.133, "location_lng": -122.241, "session_id": START_MS,
            "user_properties": {"gender": "female"}, "price": 4.99, "quantity": 2,
        }]))
        .await;
    let person = server.find("user-1").await;
    let data = server.activity(person).await["userData"].clone();
    assert_eq!(
        data,
        json!({
            "user_id": "user-1", "canonical_amplitude_id": person, "merged_amplitude_ids": [], "num_events": 1,
            "num_sessions": 1, "usage_time": 0, "first_used": "2023-11-14", "last_used": "2023-11-14",
            "purchases": 1, "revenue": 9.98, "platform": "iOS", "os": "ios 8.2", "version": "3.4.9",
            "device": "Apple", "device_type": "iPhone 6", "carrier": "AT&T", "country": "United States",
            "region": "California", "city": "San Francisco", "dma": null, "language": "English",
            "start_version": "3.4.9", "device_ids": ["device-1"],
            "last_location": {"lat": 37.133, "lng": -122.241}, "properties": {"gender": "female"},
        })
    );
    server.stop().await;
}

#[tokio::test]
async fn configured_keys_are_required() {
    let settings = CollectorSettings {
        api_key: Some(KEY.to_owned()),
        secret_key: Some("secret".to_owned()),
        ..CollectorSettings::default()
    };
    let server = TestCollector::with(settings).await;
    server
        .accept(json!([{"event_type": "a", "user_id": "user-1"}]))
        .await;
    let wrong = json!({"api_key": "f".repeat(32), "events": [{"event_type": "a", "user_id": "user-1"}]});
    let (status, body) = send(server.post("/2/httpapi").json(&wrong)).await;
    assert_eq!(
        (status, body),
        (
            400,
            json!({"code": 400, "error": format!("Invalid API key: {}", "f".repeat(32))})
        )
    );

    let search = || server.get("/api/2/usersearch?user=user-1");
    assert_eq!(send(search()).await.0, 401);
    assert_eq!(send(search().basic_auth(KEY, Some("guess"))).await.0, 401);
    assert_eq!(send(search().basic_auth("guess", Some("secret"))).await.0, 401);
    assert_eq!(send(search().bearer_auth(KEY)).await.0, 401);
    assert_eq!(send(search().basic_auth(KEY, Some("secret"))).await.0, 200);
    assert_eq!(send(server.get("/api/2/useractivity?user=1")).await.0, 401);
    server.stop().await;
}

#[tokio::test]
async fn events_can_be_filtered_and_paged() {
    let server = TestCollector::start().await;
    server
        .accept(json!([
            {"event_type": "a", "device_id": "device-1", "insert_id": "i1"},
            {"event_type": "b", "device_id": "device-1", "user_id": "user-1", "insert_id": "i2"},
            {"event_type": "a", "user_id": "user-2", "insert_id": "i3"},
        ]))
        .await;
    let rows: [(&str, &[&str]); 7] = [
        ("", &["i1", "i2", "i3"]),
        ("user=user-1", &["i1", "i2"]),
        ("device=device-1&event_type=a", &["i1"]),
        ("event_type=a", &["i1", "i3"]),
        ("insert_id=i2", &["i2"]),
        ("newest=true&limit=2", &["i3", "i2"]),
        ("user=unknown", &[]),
    ];
    for (query, expected) in rows {
        let events = server.json(&format!("/local/events?{query}")).await;
        let ids: Vec<_> = events["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|event| event["$insert_id"].as_str())
            .collect();
        assert_eq!(ids, expected, "{query}");
    }
    let mut after = json!(0);
    let mut seen = Vec::new();
    while !after.is_null() {
        let page = server.json(&format!("/local/events?limit=2&after={after}")).await;
        seen.extend(
            page["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event: &Value| event["$insert_id"].clone()),
        );
        after = page["next"].clone();
    }
    assert_eq!(seen, [json!("i1"), json!("i2"), json!("i3")]);
    server.stop().await;
}

#[tokio::test]
async fn events_are_checked_against_the_plan() {
    let plan = json!({
        "events": {"Vote cast": {"type": "object", "properties": {"choices": {"type": "integer"}}, "required": ["choices"]}},
        "ignore_prefixes": ["$"],
    });
    let server = TestCollector::with(CollectorSettings {
        plan: Some(plan.clone()),
        ..CollectorSettings::default()
    })
    .await;
    let event = |name: &str, properties: Value| json!({"event_type": name, "user_id": "user-1", "event_properties": properties});
    server
        .accept(json!([
            event("Vote cast", json!({"choices": 1})),
            event("Vote cast", json!({"choices": "one"})),
            event("Vote casted", json!({})),
            event("$identify", json!({})),
        ]))
        .await;
    let events = server.json("/local/events").await;
    let statuses: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["local"]["plan"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["valid", "invalid", "unexpected", "unchecked"]);
    assert!(
        events["events"][1]["local"]["plan"]["reasons"][0]
            .as_str()
            .unwrap()
            .contains("/choices")
    );
    assert_eq!(server.json("/local/plan").await["plan"], plan);
    server.stop().await;
}
