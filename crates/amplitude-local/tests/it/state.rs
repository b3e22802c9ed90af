use amplitude_local::{CollectorOpenError, CollectorSettings, StateError, StateLocation, open};
use serde_json::{Value, json};

use crate::support::{START_MS, TestCollector, names, send};

fn settings_with_file(folder: &tempfile::TempDir) -> CollectorSettings {
    CollectorSettings {
        state: StateLocation::File(folder.path().join("new").join("amplitude.db")),
        ..CollectorSettings::default()
    }
}

#[tokio::test]
async fn a_restart_keeps_people_events_and_logs() {
    let folder = tempfile::tempdir().expect("a folder");
    let event = json!([{
        "event_type": "a", "user_id": "user-1", "insert_id": "insert-1", "session_id": START_MS,
        "user_properties": {"plan": "pro"},
    }]);
    let server = TestCollector::with(settings_with_file(&folder)).await;
    server.accept(event.clone()).await;
    assert_eq!(server.upload(json!([{"event_type": "a"}])).await.0, 400);
    let person = server.find("user-1").await;
    let before = server.activity(person).await;
    server.stop().await;

    let server = TestCollector::with(settings_with_file(&folder)).await;
    assert_eq!(server.find("user-1").await, person);
    assert_eq!(server.activity(person).await, before);
    assert_eq!(
        server.json("/local/refused").await["refused"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    server.accept(event).await;
    assert_eq!(
        names(&server.activity(person).await["events"]),
        ["a"],
        "duplicates are detected after a restart"
    );
    server
        .accept(json!([{"event_type": "b", "user_id": "user-1"}]))
        .await;
    let sequences: Vec<i64> = server.json("/local/events").await["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event: &Value| event["local"]["sequence"].as_i64().unwrap())
        .collect();
    assert!(sequences.is_sorted_by(|one, two| one < two), "{sequences:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_database_of_another_program_is_rejected() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("a database");
    sqlx::raw_sql("CREATE TABLE other (a)")
        .execute(&pool)
        .await
        .expect("a table");
    pool.close().await;
    let refused = open(CollectorSettings {
        state: StateLocation::File(path),
        ..CollectorSettings::default()
    })
    .await;
    assert!(matches!(
        refused.err(),
        Some(CollectorOpenError::State(StateError::SchemaVersion {
            found: 0,
            ..
        }))
    ));
}

#[tokio::test]
async fn concurrent_uploads_store_all_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestCollector::with(settings_with_file(&folder)).await;
    let uploads = (0..40).map(|n| {
        let events: Vec<Value> = (0..25)
            .map(|m| json!({"event_type": "a", "device_id": format!("device-{}", n % 5), "insert_id": format!("{n}-{m}")}))
            .collect();
        server.upload(Value::Array(events))
    });
    for (status, body) in futures::future::join_all(uploads).await {
        assert_eq!(status, 200, "{body}");
    }
    let events = server.json("/local/events?limit=10000").await;
    assert_eq!(events["events"].as_array().map(Vec::len), Some(1000));
    let people = server.json("/local/people").await;
    let counted: i64 = people["people"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|person| person["num_events"].as_i64())
        .sum();
    assert_eq!(counted, 1000);
    assert_eq!(
        send(server.get("/local/raw?limit=10000")).await.1["deliveries"]
            .as_array()
            .map(Vec::len),
        Some(1000)
    );
    server.stop().await;
}
