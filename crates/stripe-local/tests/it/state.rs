//! State files, reset, and settings that are rejected.

use reqwest::Method;
use serde_json::json;
use stripe_local::{
    StateError, StateLocation, StripeStandInOpenError, StripeStandInSettings, WebhookTarget, open,
};

use crate::test_server::{START_SECS, TestServer, id, send};

fn file_settings(folder: &tempfile::TempDir) -> StripeStandInSettings {
    StripeStandInSettings {
        state: StateLocation::File(folder.path().join("deep").join("stripe.db")),
        ..StripeStandInSettings::default()
    }
}

#[tokio::test]
async fn the_state_file_keeps_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::start_with(file_settings(&folder)).await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &[("trial_period_days", "10")]).await;
    server.advance_days(1).await;
    // With `hold` no webhook is delivered.
    let arrived = server.hooks.wait_for(server.history().await.len()).await.len();
    server.control("webhooks", json!({"hold": true})).await;
    server.customer().await;
    let before = server.get("/_sim/state").await;
    server.stop_without_delivery().await;

    let server = TestServer::start_with(file_settings(&folder)).await;
    let mut after = server.get("/_sim/state").await;
    for part in ["clock", "customers", "subscriptions", "invoices", "switches"] {
        assert_eq!(after[part].take(), before[part], "{part}");
    }
    // The application now listens on another port. Undelivered webhooks are sent there.
    assert_eq!(server.hooks.events().len(), 0);
    server.control("webhooks", json!({})).await;
    let undelivered = server.hooks.wait_for(1).await;
    assert_eq!(undelivered[0]["type"], "customer.created");
    let log = server.get("/_sim/webhooks").await;
    assert_eq!(log["deliveries"].as_array().map(Vec::len), Some(arrived + 1));
    server.advance_until(id(&created), "payment").await;
    assert_eq!(server.get("/v1/charges").await["data"][0]["amount"], 1200);
    server.stop_without_delivery().await;
}

#[tokio::test]
async fn a_reset_deletes_all_records() {
    let server = TestServer::start().await;
    server.advance_days(3).await;
    server.customer().await;
    server.control("reset", json!({})).await;
    let state = server.get("/_sim/state").await;
    assert_eq!(
        state["clock"],
        json!({"now": START_SECS, "ahead": 0, "wall": START_SECS})
    );
    assert_eq!(state["customers"], json!([]));
    assert_eq!(
        state["webhook_endpoints"].as_array().map(Vec::len),
        Some(1),
        "the configured endpoint"
    );
    let (status, html) = send(server.request(Method::GET, "/", &[])).await;
    assert_eq!(status, 200);
    assert!(html.as_str().unwrap().contains("Billing clock"));
    server.stop().await;
}

#[tokio::test]
async fn the_clock_moves_forward_only() {
    let server = TestServer::start().await;
    for body in [
        json!({"advance": -1}),
        json!({"to": START_SECS - 1}),
        json!({}),
        json!({"x": 1}),
        json!({"days": i64::MAX}),
        json!({"to": i64::MAX}),
        json!({"days": 1, "to": 5}),
    ] {
        let request = server
            .client
            .post(format!("{}/_sim/clock", server.url))
            .json(&body);
        assert_eq!(send(request).await.0, 400, "{body}");
    }
    let moved = server.control("clock", json!({"to": START_SECS + 5})).await;
    assert_eq!(
        moved,
        json!({"now": START_SECS + 5, "ahead": 5, "wall": START_SECS})
    );
    let page = server
        .client
        .post(format!("{}/_sim/clock", server.url))
        .form(&[("days", "1")]);
    assert_eq!(send(page).await.0, 303);
    server.stop().await;
}

#[tokio::test]
async fn invalid_settings_are_rejected() {
    let live = open(StripeStandInSettings {
        secret_key: Some("sk_live_123".to_owned()),
        ..StripeStandInSettings::default()
    })
    .await;
    assert!(matches!(live.err(), Some(StripeStandInOpenError::NotATestKey)));
    let foreign = open(StripeStandInSettings {
        webhooks: vec![WebhookTarget {
            url: "https://example.com/hook".to_owned(),
            secret: "whsec_1".to_owned(),
        }],
        ..StripeStandInSettings::default()
    })
    .await;
    assert!(matches!(
        foreign.err(),
        Some(StripeStandInOpenError::ForeignWebhook(_))
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("a database");
    sqlx::raw_sql("CREATE TABLE theirs (a)")
        .execute(&pool)
        .await
        .expect("a table");
    pool.close().await;
    let other = open(StripeStandInSettings {
        state: StateLocation::File(path),
        ..StripeStandInSettings::default()
    })
    .await;
    assert!(matches!(
        other.err(),
        Some(StripeStandInOpenError::State(StateError::SchemaVersion {
            found: 0,
            ..
        }))
    ));
}
