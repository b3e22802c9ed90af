//! From the form to the collector, while things go wrong.

use db::testing::engines;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, until};

#[tokio::test]
async fn a_collector_that_is_down_gets_the_event_once_it_is_back() {
    for engine in engines() {
        let mut app = TestApp::on(engine).await;
        app.collector.go_down().await;
        let mut browser = app.browser();
        let boot = browser.open("/").await.boot();
        assert_eq!(
            browser.sign_up("ada@example.com").await.status,
            303,
            "{engine:?}: no request waits for Amplitude"
        );
        until("an attempt", async || {
            (app.number("SELECT MAX(attempts) FROM outbox").await > 0).then_some(())
        })
        .await;
        assert_eq!(app.count("outbox WHERE state = 'sent'").await, 0);

        app.collector.come_back().await;
        let event = app
            .collector
            .event(&app.user("ada@example.com").await, "Sign-up completed")
            .await;
        assert_eq!(event["device_id"], boot["device"]);
        until("the row is settled", async || {
            (app.count("outbox WHERE state = 'sent'").await == 1).then_some(())
        })
        .await;
        assert_eq!(
            app.collector.deliveries().await.len(),
            1,
            "refused connections deliver nothing"
        );
    }
}

#[tokio::test]
async fn a_lost_response_makes_no_second_event() {
    let app = TestApp::start().await;
    app.collector
        .break_with(json!([{"answer": 500, "count": 1, "after_ingest": true}]))
        .await;
    app.browser().sign_up("ada@example.com").await;
    let user = app.user("ada@example.com").await;
    until("the row is settled", async || {
        (app.count("outbox WHERE state = 'sent'").await == 1).then_some(())
    })
    .await;

    let deliveries = app.collector.deliveries().await;
    assert_eq!(deliveries.len(), 2, "{deliveries:?}");
    assert_eq!(app.collector.events_of(&user).await.len(), 1);
    let same = |key: &str| deliveries[0][key] == deliveries[1][key] && deliveries[0][key] != Value::Null;
    assert!(same("insert_id") && same("device_id"), "{deliveries:?}");
}

#[tokio::test]
async fn the_current_batch_is_finished_before_the_server_ends() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        app.collector
            .break_with(json!([{"answer": "slow", "ms": 500, "count": 1}]))
            .await;
        app.browser().sign_up("ada@example.com").await;
        until("the row is on its way", async || {
            (app.count("outbox_lanes WHERE lease_owner IS NOT NULL").await == 1).then_some(())
        })
        .await;

        let (collector, database, _data) = app.stop().await;
        let state: String = sqlx::query_scalar("SELECT state FROM outbox")
            .fetch_one(database.db.pool())
            .await
            .unwrap();
        assert_eq!(state, "sent", "{engine:?}");
        assert_eq!(collector.deliveries().await.len(), 1);
    }
}

#[tokio::test]
async fn open_requests_are_answered_and_live_feeds_end_before_the_server_does() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.open("/").await;
    let feed = browser
        .request(Method::GET, "/timeline/live")
        .send()
        .await
        .unwrap();
    assert_eq!(feed.status(), 200);

    app.collector
        .break_with(json!([{"answer": "slow", "ms": 500, "count": 1}]))
        .await;
    let events = json!([{"event_type": "session_start", "device_id": browser.device()}]);
    let sent = json!({"api_key": app.public_key, "events": events});
    let open = tokio::spawn(async move { browser.ingest(&sent).await });
    until("the collector has the batch", async || {
        (app.collector.get("/local/faults").await["faults"] == json!([])).then_some(())
    })
    .await;
    app.begin_to_stop();
    assert_eq!(open.await.unwrap().status, 200);
    assert!(feed.text().await.is_ok(), "the feed ended as a whole");
    app.stop().await;
}
