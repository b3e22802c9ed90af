//! The volume of `/ingest`, and the rows that requests with fresh cookies can create.

use db::Engine;
use futures::future::join_all;
use serde_json::json;

use crate::browser::Browser;
use crate::sdk::{batch, event, with};
use crate::support::{TestApp, until};

async fn app() -> TestApp {
    let variables = [
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("SEAMLINE_LOCAL", "remote"),
        ("LIMIT_FACTOR", "1"),
    ];
    TestApp::with(Engine::Sqlite, &variables).await
}

async fn visitor_at(app: &TestApp, address: &str) -> (Browser, String) {
    let mut browser = app.browser();
    browser.set_header("x-forwarded-for", address);
    browser.open("/").await;
    let device = browser.device().unwrap();
    (browser, device)
}

#[tokio::test]
async fn events_are_counted_and_not_requests() {
    let app = app().await;
    let (mut browser, device) = visitor_at(&app, "2001:db8::1").await;
    let events: Vec<_> = (0..900)
        .map(|number| {
            with(
                event("session_start", &format!("i-{number}")),
                "device_id",
                json!(device),
            )
        })
        .collect();
    let sent = batch(&app.public_key, &events);
    for _ in 0..2 {
        let answer = browser.ingest(&sent).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // Another address of the same /64.
    browser.set_header("x-forwarded-for", "2001:db8::ffff");
    let answer = browser.ingest(&sent).await;
    assert_eq!(answer.status, 429);
    let body = answer.json();
    assert_eq!(body["code"], 429, "the SDK reads the code");
    assert_eq!(body["error"], "Too many requests for some devices and users");
    assert_eq!(body["throttled_events"], json!([]));
    assert!(
        body["throttled_devices"].is_object() && body["throttled_users"].is_object(),
        "{body}"
    );
    let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..60).contains(&wait), "{wait}");
    assert_eq!(browser.open("/").await.status, 200, "pages have no such limit");

    browser.set_header("x-forwarded-for", "2001:db8:0:1::1");
    let one = batch(&app.public_key, &events[..1]);
    assert_eq!(browser.ingest(&one).await.status, 200, "another network");
}

#[tokio::test]
async fn a_batch_with_too_many_events_is_refused_as_a_whole() {
    let app = app().await;
    let (mut browser, _) = visitor_at(&app, "203.0.113.7").await;
    let events: Vec<_> = (0..2_001).map(|number| json!({"n": number})).collect();
    let answer = browser.ingest(&batch(&app.public_key, &events)).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (413, &json!(413)),
        "the SDK halves the batch"
    );
}

#[tokio::test]
async fn requests_without_a_batch_are_counted_too() {
    let app = app().await;
    let (browser, _) = visitor_at(&app, "203.0.113.7").await;
    let answer = until("the limit", async || {
        let many = (0..400).map(|_| {
            let mut browser = browser.clone();
            async move { browser.ingest(&json!({})).await }
        });
        join_all(many)
            .await
            .into_iter()
            .find(|answer| answer.status != 400)
    })
    .await;
    assert_eq!(answer.status, 429);
}

#[tokio::test]
async fn fresh_cookies_create_no_rows() {
    let app = app().await;
    let (mut counter, device) = visitor_at(&app, "198.51.100.1").await;
    let session = counter.open("/").await.boot()["session"].as_i64().unwrap();
    counter.set_cookie("seam_fired", format!("{device}.{session}.1.1"));
    counter.open("/").await;
    for number in 0..50 {
        let mut browser = app.browser();
        browser.set_header("x-forwarded-for", "203.0.113.7");
        let made_up = format!("device-{number:04}");
        browser.set_cookie("seam_device", made_up.clone());
        browser.set_cookie("seam_session", format!("{session}.{session}"));
        browser.set_cookie("seam_fired", format!("{made_up}.{session}.1.1"));
        browser.open("/").await;
    }
    // Written by the background task.
    until("the real count", async || {
        (app.count("browser_counts").await > 0).then_some(())
    })
    .await;
    assert_eq!(app.texts("SELECT device_id FROM browser_counts").await, [device]);
}

#[tokio::test]
async fn one_network_can_add_a_limited_number_of_sessions() {
    let app = app().await;
    for _ in 0..320 {
        let (mut browser, device) = visitor_at(&app, "203.0.113.7").await;
        let session = browser.cookie("seam_session").unwrap();
        let session = session.split('.').next().unwrap();
        browser.set_cookie("seam_fired", format!("{device}.{session}.0.1"));
        browser.post("/ingest", "application/json", "{}").await;
    }
    assert_eq!(
        app.browser().open("/operations").await.status,
        200,
        "it writes the counts"
    );
    let rows = app.count("browser_counts").await;
    assert!((300..=310).contains(&rows), "{rows}");
}

#[tokio::test]
async fn counts_are_written_at_shutdown() {
    let app = app().await;
    let (mut browser, device) = visitor_at(&app, "203.0.113.7").await;
    let session = browser.cookie("seam_session").unwrap();
    let session = session.split('.').next().unwrap();
    browser.set_cookie("seam_fired", format!("{device}.{session}.0.1"));
    browser.open("/pricing").await;
    let (_, database, _data) = app.stop().await;
    let db = db::Db::open(&database.url).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM browser_counts")
        .fetch_one(db.pool())
        .await
        .unwrap();
    assert_eq!(rows, 1);
}
