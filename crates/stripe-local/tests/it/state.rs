//! What lasts, and what is refused at the start.

use reqwest::Method;
use serde_json::json;
use stripe_local::{OpenError, Settings, StateError, StateLocation, WebhookTarget, open};

use crate::support::{START, Server, answer, id};

fn on_file(folder: &tempfile::TempDir) -> Settings {
    Settings {
        state: StateLocation::File(folder.path().join("deep").join("stripe.db")),
        ..Settings::default()
    }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::with(on_file(&folder)).await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &[("trial_period_days", "10")]).await;
    server.jump_days(1).await;
    // Nothing is delivered while the deliveries are held.
    let arrived = server.hooks.wait_for(server.history().await.len()).await.len();
    server.control("webhooks", json!({"hold": true})).await;
    server.customer().await;
    let before = server.get("/_sim/state").await;
    server.abandon().await;

    let server = Server::with(on_file(&folder)).await;
    let mut after = server.get("/_sim/state").await;
    for part in ["clock", "customers", "subscriptions", "invoices", "switches"] {
        assert_eq!(after[part].take(), before[part], "{part}");
    }
    // The application listens at another port now; what it missed follows it there.
    assert_eq!(server.hooks.events().len(), 0);
    server.control("webhooks", json!({})).await;
    let missed = server.hooks.wait_for(1).await;
    assert_eq!(missed[0]["type"], "customer.created");
    let log = server.get("/_sim/webhooks").await;
    assert_eq!(log["deliveries"].as_array().map(Vec::len), Some(arrived + 1));
    server.jump_until(id(&made), "payment").await;
    assert_eq!(server.get("/v1/charges").await["data"][0]["amount"], 1200);
    server.abandon().await;
}

#[tokio::test]
async fn a_reset_empties_the_account() {
    let server = Server::start().await;
    server.jump_days(3).await;
    server.customer().await;
    server.control("reset", json!({})).await;
    let state = server.get("/_sim/state").await;
    assert_eq!(state["clock"], json!({"now": START, "ahead": 0, "wall": START}));
    assert_eq!(state["customers"], json!([]));
    assert_eq!(
        state["webhook_endpoints"].as_array().map(Vec::len),
        Some(1),
        "the endpoint of the start"
    );
    let (status, html) = answer(server.request(Method::GET, "/", &[])).await;
    assert_eq!(status, 200);
    assert!(html.as_str().unwrap().contains("Billing clock"));
    server.stop().await;
}

#[tokio::test]
async fn the_clock_only_goes_forward() {
    let server = Server::start().await;
    for body in [
        json!({"advance": -1}),
        json!({"to": START - 1}),
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
        assert_eq!(answer(request).await.0, 400, "{body}");
    }
    let moved = server.control("clock", json!({"to": START + 5})).await;
    assert_eq!(moved, json!({"now": START + 5, "ahead": 5, "wall": START}));
    let page = server
        .client
        .post(format!("{}/_sim/clock", server.url))
        .form(&[("days", "1")]);
    assert_eq!(answer(page).await.0, 303);
    server.stop().await;
}

#[tokio::test]
async fn what_it_will_not_start_with() {
    let live = open(Settings {
        secret_key: Some("sk_live_123".to_owned()),
        ..Settings::default()
    })
    .await;
    assert!(matches!(live.err(), Some(OpenError::NotATestKey)));
    let abroad = open(Settings {
        webhooks: vec![WebhookTarget {
            url: "https://example.com/hook".to_owned(),
            secret: "whsec_1".to_owned(),
        }],
        ..Settings::default()
    })
    .await;
    assert!(matches!(abroad.err(), Some(OpenError::ForeignWebhook(_))));
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
    let other = open(Settings {
        state: StateLocation::File(path),
        ..Settings::default()
    })
    .await;
    assert!(matches!(
        other.err(),
        Some(OpenError::State(StateError::SchemaVersion { found: 0, .. }))
    ));
}
