//! The loss meter over HTTP: the script's count in a cookie, compared with what the ingest route forwarded.

use serde_json::json;

use crate::sdk::{batch, event, with};
use crate::support::TestApp;

/// Fired and arrived: feature events, page views. The operations page writes the counts that wait in memory.
async fn counts(app: &TestApp) -> Vec<i64> {
    assert_eq!(app.browser().open("/operations").await.status, 200);
    let mut found = Vec::new();
    for column in ["fired_events", "arrived_events", "fired_pages", "arrived_pages"] {
        let sql = format!("SELECT CAST(COALESCE(SUM({column}), 0) AS BIGINT) FROM browser_counts");
        found.push(app.number(&sql).await);
    }
    found
}

#[tokio::test]
async fn fired_events_are_compared_with_arrived_ones() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let boot = browser.open("/").await.boot();
    let (device, session) = (
        boot["device"].as_str().unwrap(),
        boot["session"].as_i64().unwrap(),
    );
    let of_session = |name: &str, insert_id: &str| {
        let event = with(event(name, insert_id), "device_id", json!(device));
        with(event, "session_id", json!(session))
    };

    browser.set_cookie("seam_fired", format!("{device}.{session}.0.2"));
    browser.open("/pricing").await;
    assert_eq!(counts(&app).await, [0, 0, 2, 0], "a blocker had them");

    // The SDK's own upload carries the newest count.
    browser.set_cookie("seam_fired", format!("{device}.{session}.1.3"));
    let events = [
        of_session("session_start", "i-1"),
        of_session("[Amplitude] Page Viewed", "i-2"),
        of_session("Poll created", "i-3"),
    ];
    assert_eq!(browser.ingest(&batch(&app.public_key, &events)).await.status, 200);
    assert_eq!(counts(&app).await, [1, 1, 3, 1]);

    let refused = [of_session("Sign-up completed", "i-4")];
    assert_eq!(
        browser.ingest(&batch(&app.public_key, &refused)).await.status,
        400
    );
    app.collector.break_with(json!([{"answer": 500}])).await;
    browser.ingest(&batch(&app.public_key, &events)).await;
    assert_eq!(counts(&app).await, [1, 1, 3, 1], "nothing of these arrived");
}

#[tokio::test]
async fn a_count_of_another_browser_is_ignored() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let boot = browser.open("/").await.boot();
    let (device, session) = (
        boot["device"].as_str().unwrap(),
        boot["session"].as_i64().unwrap(),
    );
    let values = [
        format!("another-device.{session}.5.5"),
        format!("{device}.{}.5.5", session - 60_000),
        format!("{device}.{session}.-5.5"),
        "9".repeat(3_000),
    ];
    for value in values {
        browser.set_cookie("seam_fired", value.clone());
        assert_eq!(browser.open("/").await.status, 200, "{value:.60}");
        assert_eq!(counts(&app).await, [0; 4], "{value:.60}");
        assert_eq!(app.count("browser_counts").await, 0, "{value:.60}");
    }
    // Signed out: the count was the person's.
    browser.set_cookie("seam_fired", format!("{device}.{session}.0.1"));
    browser.sign_up("ada@example.com").await;
    let answer = browser.sign_out().await;
    assert!(answer.expired().contains(&"seam_fired"), "{:?}", answer.cookies);
    counts(&app).await;
    let user = app.user("ada@example.com").await;
    let sql = "SELECT COALESCE(user_id, '') FROM browser_counts";
    assert_eq!(app.texts(sql).await, [user]);
}

#[tokio::test]
async fn loss_is_shown_on_timeline_and_operations() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let boot = browser.open("/polls").await.boot();
    let fired = format!("{}.{}.1.3", boot["device"].as_str().unwrap(), boot["session"]);
    browser.set_cookie("seam_fired", fired);
    let user = app.user("ada@example.com").await;
    app.collector.event(&user, "Sign-up completed").await;
    let page = browser.open("/timeline?open=browser-loss").await.text();
    assert!(
        page.contains("100 % of the events that the browser fired did not arrive"),
        "{page}"
    );
    assert!(page.contains("1 event was sent by the server"), "{page}");
    let page = browser.open("/operations").await.text();
    assert!(page.contains("0 of 3"), "{page}");
}
