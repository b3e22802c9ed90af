//! Events from before consent are never sent.

use db::Engine;
use serde_json::json;

use crate::sdk::{batch, event, with};
use crate::support::TestApp;

#[tokio::test]
async fn events_from_before_consent_are_refused_after_it() {
    let app = TestApp::with(Engine::Sqlite, &[("CONSENT_DEFAULT", "denied")]).await;
    let mut browser = app.browser();
    let before_ms = browser.open("/").await.boot()["now"].as_i64().unwrap() - 5_000;
    let choice = [("choice", "granted"), ("back", "/")];
    assert_eq!(browser.submit("/privacy", &choice).await.status, 303);
    // In another tab an SDK still runs, from before the site asked for consent. It writes its cookie, and keeps events.
    browser.set_sdk_cookie(&app.public_key, "an.sdk.device", before_ms, before_ms);
    let boot = browser.open("/").await.boot();
    assert_eq!(
        (&boot["tracking"], &boot["device"]),
        (&json!(true), &json!("an.sdk.device"))
    );

    let at = |time_ms: i64| {
        let event = with(
            event("Poll created", &format!("i-{time_ms}")),
            "device_id",
            boot["device"].clone(),
        );
        let mut sent = batch(&app.public_key, &[with(event, "time", json!(time_ms))]);
        sent.as_object_mut().unwrap().remove("client_upload_time");
        sent
    };
    let answer = browser.ingest(&at(before_ms)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["events_with_invalid_fields"], json!({"time": [0]}));
    let after_ms = boot["now"].as_i64().unwrap();
    assert_eq!(browser.ingest(&at(after_ms)).await.status, 200);
}

#[tokio::test]
async fn events_from_before_a_sign_in_are_refused_where_only_the_account_consents() {
    let app = TestApp::with(Engine::Sqlite, &[("CONSENT_DEFAULT", "denied")]).await;
    let mut first = app.browser();
    first.open("/").await;
    first
        .submit("/privacy", &[("choice", "granted"), ("back", "/")])
        .await;
    first.sign_up("ada@example.com").await;

    let mut browser = app.browser();
    let before_ms = browser.open("/").await.boot()["now"].as_i64().unwrap() - 5_000;
    browser.set_sdk_cookie(&app.public_key, "an.sdk.device", before_ms, before_ms);
    assert_eq!(browser.sign_in("ada@example.com").await.status, 303);
    let boot = browser.open("/").await.boot();
    assert_eq!(boot["tracking"], true);
    let kept = with(event("Poll created", "i-1"), "device_id", boot["device"].clone());
    let mut sent = batch(&app.public_key, &[with(kept, "time", json!(before_ms))]);
    sent.as_object_mut().unwrap().remove("client_upload_time");
    let answer = browser.ingest(&sent).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["events_with_invalid_fields"], json!({"time": [0]}));
}

#[tokio::test]
async fn events_from_before_a_withdrawal_are_not_sent_after_new_consent() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.open("/").await;
    let device = browser.device().unwrap();
    // A tab that was offline keeps this event while the user denies and grants consent.
    let kept = with(event("Poll created", "i-1"), "device_id", json!(device));
    for choice in ["denied", "granted"] {
        browser
            .submit("/privacy", &[("choice", choice), ("back", "/")])
            .await;
        browser.open("/").await;
    }
    let answer = browser.ingest(&batch(&app.public_key, &[kept])).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_ne!(browser.device(), Some(device));
}

#[tokio::test]
async fn consent_that_was_never_off_keeps_earlier_events() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.open("/").await;
    let device = browser.device().unwrap();
    let earlier = with(event("Poll created", "i-1"), "device_id", json!(device));
    browser
        .submit("/privacy", &[("choice", "granted"), ("back", "/")])
        .await;
    let answer = browser.ingest(&batch(&app.public_key, &[earlier])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
