//! Denied consent: no cookie that distinguishes browsers, and no event.

use db::Engine;
use serde_json::{Value, json};

use crate::browser::{Browser, sdk_cookie_name};
use crate::support::TestApp;

/// The two ways in which a browser says no.
fn refusing(app: &TestApp) -> [(&'static str, Browser); 2] {
    let mut denied = app.browser();
    denied.set_cookie("seam_consent", "denied");
    let mut signal = app.browser();
    signal.set_header("sec-gpc", "1");
    [("choice", denied), ("signal", signal)]
}

#[tokio::test]
async fn denied_consent_means_no_ids_and_no_events() {
    let app = TestApp::start().await;
    for (how, mut browser) in refusing(&app) {
        let answer = browser.open("/").await;
        assert!(answer.cookies.is_empty(), "{how}: {:?}", answer.cookies);
        let boot = answer.boot();
        assert_eq!(boot["tracking"], false, "{how}");
        assert_eq!(
            (&boot["device"], &boot["session"]),
            (&Value::Null, &Value::Null),
            "{how}"
        );

        let email = format!("{how}@example.com");
        let answer = browser.sign_up(&email).await;
        let set: Vec<&str> = answer.cookies.iter().map(cookie::Cookie::name).collect();
        assert_eq!(
            (answer.status, &set[..]),
            (303, &["seam_known", "seam_login"][..]),
            "{how}: signing in works all the same"
        );
        let answer = browser.sign_out().await;
        assert_eq!(answer.expired(), ["seam_login"], "{how}");
        assert_eq!(answer.cookies.len(), 1, "{how}: {:?}", answer.cookies);
    }
    assert_eq!(app.count("outbox").await, 0);
    assert_eq!(app.texts("SELECT DISTINCT consent FROM users").await, ["denied"]);
}

#[tokio::test]
async fn denied_consent_removes_earlier_cookies() {
    let app = TestApp::start().await;
    for (how, mut browser) in refusing(&app) {
        let mut earlier = app.browser();
        let boot = earlier.open("/").await.boot();
        let (device, now) = (boot["device"].as_str().unwrap(), boot["now"].as_i64().unwrap());
        browser.set_cookie("seam_device", earlier.cookie("seam_device").unwrap());
        browser.set_cookie("seam_session", format!("{now}.{now}"));
        browser.set_sdk_cookie(&app.public_key, device, now, now);
        let answer = browser.open("/").await;
        let expired = answer.expired();
        assert_eq!(
            expired.len(),
            answer.cookies.len(),
            "{how}: it sets none: {:?}",
            answer.cookies
        );
        for name in ["seam_device", "seam_session", &sdk_cookie_name(&app.public_key)] {
            assert!(expired.contains(&name), "{how}: {name} not in {expired:?}");
            assert_eq!(browser.cookie(name), None, "{how}");
        }
    }
}

#[tokio::test]
async fn denied_consent_of_an_account_holds_in_every_browser() {
    let app = TestApp::start().await;
    let [_, (_, mut refusing)] = refusing(&app);
    refusing.sign_up("ada@example.com").await;

    let mut other = app.browser();
    other.open("/sign-in").await;
    other.sign_in("ada@example.com").await;
    let answer = other.open("/polls").await;
    assert_eq!(answer.boot()["tracking"], false);
    assert!(answer.expired().contains(&"seam_device"), "{:?}", answer.cookies);
    other.sign_out().await;
    assert_eq!(app.count("outbox").await, 0);
}

#[tokio::test]
async fn late_browser_events_after_denied_consent_are_accepted_and_dropped() {
    let app = TestApp::start().await;
    let batch = json!({"api_key": app.public_key, "events": [{"event_type": "session_start", "device_id": "device-1"}]});
    for (how, mut browser) in refusing(&app) {
        let answer = browser.ingest(&batch).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (200, &json!(200)),
            "{how}: the SDK lets go of them"
        );
        assert!(answer.cookies.is_empty(), "{how}");
    }
    assert_eq!(app.collector.deliveries().await, Vec::<Value>::new());
}

#[tokio::test]
async fn with_denied_as_the_default_consent_is_needed() {
    let app = TestApp::with(Engine::Sqlite, &[("CONSENT_DEFAULT", "denied")]).await;
    let mut browser = app.browser();
    let answer = browser.open("/").await;
    assert!(answer.cookies.is_empty(), "{:?}", answer.cookies);
    assert_eq!(answer.boot()["tracking"], false);

    browser.set_cookie("seam_consent", "granted");
    let answer = browser.open("/").await;
    assert_eq!(answer.boot()["device"], json!(answer.device()));
    browser.sign_up("ada@example.com").await;
    assert_eq!(app.count("outbox").await, 1);
}
