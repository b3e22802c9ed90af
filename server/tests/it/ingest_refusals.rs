//! The ingest route: refused batches and events, with Amplitude's responses.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::sdk::{DEVICE, SESSION, batch, event, with};
use crate::support::TestApp;

/// Posts something that is no batch, and asserts that the answer is Amplitude's.
async fn assert_error_shown(app: &TestApp, body: String, status: u16, expected: Value) {
    let what = format!("{body:.80}");
    let answer = app.browser().post("/ingest", "application/json", body).await;
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(answer.json(), expected, "{what}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
}

#[tokio::test]
async fn unreadable_batches_get_amplitudes_errors() {
    let app = TestApp::start().await;
    let fault = |error: &str| json!({"code": 400, "error": error});
    assert_error_shown(&app, String::new(), 400, fault("Missing request body")).await;
    assert_error_shown(&app, "{".into(), 400, fault("Invalid JSON request body")).await;
    assert_error_shown(&app, "[]".into(), 400, fault("Invalid JSON request body")).await;
    assert_error_shown(&app, "[".repeat(200_000), 400, fault("Invalid JSON request body")).await;
    let missing = json!({"code": 400, "error": "Request missing required field", "missing_field": "events"});
    assert_error_shown(&app, json!({"api_key": app.public_key}).to_string(), 400, missing).await;
    let text = json!({"api_key": app.public_key, "events": "all"}).to_string();
    assert_error_shown(&app, text, 400, fault("Invalid event JSON")).await;
    let events = [event("session_start", "i-1")];
    for key in ["", "0123456789abcdef0123456789abcdef", app.api_key.as_str()] {
        assert_error_shown(
            &app,
            batch(key, &events).to_string(),
            400,
            fault("Invalid API key"),
        )
        .await;
    }
    let long = with(
        event("session_start", "i-1"),
        "event_properties",
        json!({"x": "x".repeat(1_000_000)}),
    );
    let too_large = json!({"code": 413, "error": "Payload too large"});
    assert_error_shown(&app, batch(&app.public_key, &[long]).to_string(), 413, too_large).await;
    assert_eq!(
        app.collector.deliveries().await,
        Vec::<Value>::new(),
        "none of it was forwarded"
    );
}

#[tokio::test]
async fn forbidden_events_are_refused_by_index_and_not_forwarded() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.adopt(&app.public_key, DEVICE, SESSION).await;
    browser.sign_up("ada@example.com").await;
    let user = app.user("ada@example.com").await;
    app.collector.event(&user, "Sign-up completed").await;
    let before = app.collector.deliveries().await.len();

    let good = event("session_start", "i-0");
    for (what, forged, field) in [
        (
            "revenue",
            with(event("Poll created", "i-1"), "revenue", json!(9_999)),
            "revenue",
        ),
        (
            "a price of nothing",
            with(event("Poll created", "i-1"), "price", json!(0)),
            "price",
        ),
        (
            "the SDK's revenue event",
            event("revenue_amount", "i-1"),
            "event_type",
        ),
        (
            "a revenue property",
            with(
                event("Poll created", "i-1"),
                "event_properties",
                json!({"$revenue": 1}),
            ),
            "event_properties",
        ),
        (
            "a server's event",
            event("Sign-up completed", "i-1"),
            "event_type",
        ),
        (
            "a server's event about money",
            event("Subscription started", "i-1"),
            "event_type",
        ),
        ("a made-up event", event("Poll Created", "i-1"), "event_type"),
        (
            "a server's property",
            with(
                event("$identify", "i-1"),
                "user_properties",
                json!({"$set": {"account_type": "pro"}}),
            ),
            "user_properties",
        ),
        (
            "clearing everything",
            with(
                event("$identify", "i-1"),
                "user_properties",
                json!({"$clearAll": "-"}),
            ),
            "user_properties",
        ),
        (
            "another user",
            with(
                event("Poll created", "i-1"),
                "user_id",
                json!("019aa5c4-0000-7000-8000-000000000001"),
            ),
            "user_id",
        ),
        (
            "an address",
            with(event("Poll created", "i-1"), "user_id", json!("ada@example.com")),
            "user_id",
        ),
    ] {
        let answer = browser
            .ingest(&batch(&app.public_key, &[good.clone(), forged, good.clone()]))
            .await;
        let body = answer.json();
        assert_eq!(
            (answer.status, &body["code"]),
            (400, &json!(400)),
            "{what}: {body}"
        );
        assert_eq!(body["events_with_invalid_fields"], json!({field: [1]}), "{what}");
    }
    assert_eq!(
        app.collector.deliveries().await.len(),
        before,
        "the good ones beside them wait to be sent again"
    );

    let own = with(event("Poll created", "i-1"), "user_id", json!(user));
    assert_eq!(
        browser.ingest(&batch(&app.public_key, &[good, own])).await.status,
        200
    );
}

/// Whether an event of the device that names the user may be sent from this browser.
async fn may_send(app: &TestApp, browser: &mut Browser, device: &str, user: &str, insert_id: &str) -> bool {
    let late = with(
        event("[Amplitude] Page Viewed", insert_id),
        "device_id",
        json!(device),
    );
    let late = with(late, "user_id", json!(user));
    let answer = browser.ingest(&batch(&app.public_key, &[late])).await;
    match answer.status {
        200 => true,
        400 => {
            let fields = &answer.json()["events_with_invalid_fields"];
            assert!(
                fields == &json!({"user_id": [0]}) || fields == &json!({"device_id": [0]}),
                "{fields}"
            );
            false
        }
        other => panic!("{other}: {}", answer.text()),
    }
}

#[tokio::test]
async fn late_events_of_earlier_logins_are_accepted_and_those_of_others_are_not() {
    for engine in db::testing::engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let ada = app.user("ada@example.com").await;
        let first = browser.device().unwrap();
        assert!(
            may_send(&app, &mut browser, &first, &ada, "i-1").await,
            "{engine:?}: signed in"
        );

        // Another tab still has the cookie of a login that has ended.
        let mut tab = browser.clone();
        app.execute("UPDATE logins SET ended_at = created_at + 1, ended_by = 'revoked'")
            .await;
        assert!(
            may_send(&app, &mut tab, &first, &ada, "i-2").await,
            "the tab's remaining events"
        );
        app.execute("UPDATE logins SET ended_at = NULL, ended_by = NULL")
            .await;

        let mut leaving = browser.clone();
        browser.sign_out().await;
        assert!(
            may_send(&app, &mut leaving, &first, &ada, "i-8").await,
            "sent before the sign-out, read after it"
        );
        assert!(
            may_send(&app, &mut browser, &first, &ada, "i-3").await,
            "sent by the next page"
        );
        browser.sign_up("bob@example.com").await;
        let (second, bob) = (browser.device().unwrap(), app.user("bob@example.com").await);
        assert_ne!(first, second);
        assert!(may_send(&app, &mut browser, &second, &bob, "i-4").await);
        assert!(may_send(&app, &mut browser, &first, &ada, "i-5").await);
        assert!(
            !may_send(&app, &mut browser, &second, &ada, "i-6").await,
            "the user before on the device of now"
        );
        assert!(!may_send(&app, &mut browser, &first, &bob, "i-7").await);
        browser.sign_out().await;
        assert!(
            may_send(&app, &mut browser, &first, &ada, "i-9").await,
            "two sign-outs ago"
        );
        assert!(may_send(&app, &mut browser, &second, &bob, "i-10").await);

        let mut stranger = app.browser();
        stranger.open("/").await;
        let own = stranger.device().unwrap();
        assert!(!may_send(&app, &mut stranger, &own, &ada, "i-11").await);
        assert!(!may_send(&app, &mut stranger, &first, &ada, "i-12").await);
    }
}
