use amplitude_local::CollectorSettings;
use serde_json::{Value, json};

use crate::support::{KEY, START_MS, TestCollector, send};

const PATH: &str = "/api/2/deletions/users";

async fn delete(server: &TestCollector, body: &Value) -> (u16, Value) {
    send(server.post(PATH).json(body)).await
}

#[tokio::test]
async fn only_the_named_person_is_deleted() {
    let server = TestCollector::start().await;
    server
        .accept(json!([
            {"event_type": "before", "device_id": "device-1", "insert_id": "i-1"},
            {"event_type": "known", "user_id": "user-1", "device_id": "device-1", "insert_id": "i-2",
             "session_id": START_MS, "user_properties": {"$set": {"plan": "pro"}}},
            {"event_type": "elsewhere", "user_id": "user-1", "device_id": "device-2"},
            {"event_type": "other", "user_id": "user-2", "device_id": "device-2", "insert_id": "i-3"},
        ]))
        .await;
    // The anonymous history of another device is merged into the same person.
    server
        .accept(json!([{"event_type": "anonymous", "device_id": "device-3"}]))
        .await;
    server
        .accept(json!([{"event_type": "merged", "user_id": "user-1", "device_id": "device-3"}]))
        .await;
    let (status, _) = server
        .upload(json!([{"user_id": "user-1", "device_id": "device-1"}]))
        .await;
    assert_eq!(status, 400, "a refused event");
    let person = server.find("user-1").await;

    let request = json!({
        "user_ids": ["user-1", "unknown-1"],
        "requester": "admin",
        "ignore_invalid_id": "True",
        "delete_from_org": "False",
    });
    let (status, job) = delete(&server, &request).await;
    assert_eq!(status, 200, "{job}");
    let expected = json!({
        "day": "2023-11-14",
        "status": "done",
        "amplitude_ids": [{"amplitude_id": person, "requested_on_day": "2023-11-14", "requester": "admin"}],
    });
    assert_eq!(job, expected);

    for text in ["user-1", "device-1", "device-3", &person.to_string()] {
        let found = server.json(&format!("/api/2/usersearch?user={text}")).await;
        assert_eq!(found["matches"], json!([]), "{text}: {found}");
    }
    let remaining = server.json("/local/events").await;
    let remaining: Vec<&Value> = remaining["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["event_type"])
        .collect();
    assert_eq!(remaining, ["other"]);
    assert_eq!(server.json("/local/refused").await["refused"], json!([]));
    let raw = server.json("/local/raw").await.to_string();
    assert!(
        !raw.contains("user-1") && !raw.contains("i-1") && raw.contains("i-3"),
        "{raw}"
    );
    assert_eq!(server.find("user-2").await, server.find("device-2").await);

    // "Amplitude accepts new events from a deleted user": they belong to a new person.
    server.accept(json!([{"event_type": "again", "user_id": "user-1", "device_id": "device-1", "insert_id": "i-2"}])).await;
    let again = server.find("user-1").await;
    assert_ne!(again, person);
    assert_eq!(server.activity(again).await["userData"]["num_events"], 1);
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_id_prevents_the_deletion_unless_ignored() {
    let server = TestCollector::start().await;
    server
        .accept(json!([{"event_type": "a", "user_id": "user-1", "device_id": "device-1"}]))
        .await;
    let person = server.find("user-1").await;
    let (status, body) = delete(&server, &json!({"user_ids": ["user-1"], "amplitude_ids": [17]})).await;
    assert_eq!(status, 400);
    assert!(body["error"].as_str().unwrap().contains("17"), "{body}");
    assert_eq!(server.find("user-1").await, person, "no person was deleted");

    let (status, _) = delete(&server, &json!({"amplitude_ids": [person]})).await;
    assert_eq!(status, 200);
    let (status, job) = delete(
        &server,
        &json!({"user_ids": ["user-1"], "ignore_invalid_id": true}),
    )
    .await;
    assert_eq!(
        (status, &job["amplitude_ids"]),
        (200, &json!([])),
        "a second deletion is not an error"
    );
    for body in [json!({}), json!([]), json!({"user_ids": vec!["u"; 101]})] {
        assert_eq!(delete(&server, &body).await.0, 400, "{body}");
    }
    server.stop().await;
}

#[tokio::test]
async fn deletion_requires_both_keys_and_the_same_origin() {
    let settings = CollectorSettings {
        api_key: Some(KEY.to_owned()),
        secret_key: Some("secret".to_owned()),
        ..CollectorSettings::default()
    };
    let server = TestCollector::with(settings).await;
    server
        .accept(json!([{"event_type": "a", "user_id": "user-1", "device_id": "device-1"}]))
        .await;
    let body = json!({"user_ids": ["user-1"]});
    let wrong = server.post(PATH).basic_auth(KEY, Some("another")).json(&body);
    assert_eq!(send(wrong).await.0, 401);
    assert_eq!(delete(&server, &body).await.0, 401);
    let right = || server.post(PATH).basic_auth(KEY, Some("secret")).json(&body);
    let foreign = right().header("sec-fetch-site", "cross-site");
    assert_eq!(send(foreign).await.0, 403, "cross-site request");
    assert_eq!(send(right()).await.0, 200);
    server.stop().await;
}
