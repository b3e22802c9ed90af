//! Forged events through `/ingest`.

use db::testing::engines;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::sdk::{SESSION, batch, event, with};
use crate::support::{TestApp, until};

/// A browser that has opened a page, and its device.
async fn visitor(app: &TestApp) -> (Browser, String) {
    let mut browser = app.browser();
    browser.open("/").await;
    let device = browser.device().unwrap();
    (browser, device)
}

/// An event of the device.
fn of(device: &str, name: &str, insert_id: &str) -> Value {
    with(event(name, insert_id), "device_id", json!(device))
}

/// Asserts that the event is refused for this field.
async fn assert_refused(app: &TestApp, browser: &mut Browser, forged: Value, field: &str) {
    let answer = browser
        .ingest(&batch(&app.public_key, std::slice::from_ref(&forged)))
        .await;
    assert_eq!(answer.status, 400, "{forged}");
    assert_eq!(
        answer.json()["events_with_invalid_fields"],
        json!({field: [0]}),
        "{forged}"
    );
}

#[tokio::test]
async fn a_browser_cannot_send_events_of_another_device() {
    let app = TestApp::start().await;
    let (mut ada, device) = visitor(&app).await;
    let page = of(&device, "[Amplitude] Page Viewed", "i-1");
    assert_eq!(
        ada.ingest(&batch(&app.public_key, std::slice::from_ref(&page)))
            .await
            .status,
        200
    );

    let (mut attacker, _) = visitor(&app).await;
    assert_refused(&app, &mut attacker, page.clone(), "device_id").await;
    // The device ID alone proves nothing: in our cookie it needs the signature, and as the SDK's device it is not taken over.
    for value in [device.clone(), format!("{device}.AAAAAAAAAAAAAAAAAAAAAA")] {
        attacker.set_cookie("seam_device", value);
        assert_refused(&app, &mut attacker, page.clone(), "device_id").await;
    }
    let mut attacker = app.browser();
    attacker.set_sdk_cookie(&app.public_key, &device, SESSION, SESSION);
    assert_ne!(attacker.open("/").await.boot()["device"], device.as_str());
    assert_refused(&app, &mut attacker, page.clone(), "device_id").await;
    for nothing in [Value::Null, json!(""), json!(7)] {
        assert_refused(
            &app,
            &mut attacker,
            with(page.clone(), "device_id", nothing),
            "device_id",
        )
        .await;
    }
}

/// Why insert IDs are checked: Amplitude, and its stand-in, drop the second event of a device and insert ID.
#[tokio::test]
async fn a_forged_insert_id_that_arrived_would_suppress_the_server_event() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let device = browser.device().unwrap();
    let user = app.user("ada@example.com").await;
    let login = app.texts("SELECT id FROM logins").await.remove(0);
    let forged = of(&device, "Poll created", &format!("sign-out:{login}"));
    // Past the server.
    assert_eq!(app.collector.upload(&batch(&app.api_key, &[forged])).await.0, 200);
    browser.sign_out().await;
    until("both events are sent", async || {
        (app.count("outbox WHERE state = 'sent'").await == 2).then_some(())
    })
    .await;
    let events = app.collector.events_of(&user).await;
    assert!(
        events
            .iter()
            .all(|event| event["event_type"] != "Sign-out completed"),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_forged_insert_id_does_not_suppress_a_server_event() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let device = browser.device().unwrap();
        let user = app.user("ada@example.com").await;
        app.collector.event(&user, "Sign-up completed").await;

        let login = app.texts("SELECT id FROM logins").await.remove(0);
        for insert_id in [
            format!("sign-out:{login}"),
            format!("Sign-Out:{login}"),
            "trial-converted:sub_1".into(),
        ] {
            assert_refused(
                &app,
                &mut browser,
                of(&device, "Poll created", &insert_id),
                "insert_id",
            )
            .await;
        }
        browser.sign_out().await;
        let event = app.collector.event(&user, "Sign-out completed").await;
        assert_eq!(event["device_id"], device.as_str(), "{engine:?}");
    }
}

#[tokio::test]
async fn fields_of_the_server_are_written_by_the_server() {
    let app = TestApp::start().await;
    let (mut browser, device) = visitor(&app).await;
    let mut forged = of(&device, "Poll created", "i-1");
    for (key, value) in [
        ("ip", json!("198.51.100.1")),
        ("library", json!("seamline-server/0.1.0")),
        ("platform", json!("Server")),
        ("partner_id", json!("x")),
        ("country", json!("Atlantis")),
        ("city", json!("Atlantis")),
        ("location_lat", json!(1.5)),
        ("device_brand", json!("x")),
        ("app_version", json!("9")),
        ("paying", json!("true")),
    ] {
        forged[key] = value;
    }
    assert_eq!(
        browser.ingest(&batch(&app.public_key, &[forged])).await.status,
        200
    );
    let found = app.collector.get(&format!("/local/events?device={device}")).await;
    let event = &found["events"][0];
    assert_eq!(event["ip_address"], "127.0.0.1");
    assert_eq!(event["library"], "amplitude-ts");
    assert_eq!(event["platform"], "Web");
    let text = event.to_string();
    assert!(!text.contains("Atlantis") && !text.contains("partner"), "{text}");
}

#[tokio::test]
async fn properties_groups_and_times_of_the_server_are_refused_for_each_event() {
    let app = TestApp::start().await;
    let (mut browser, device) = visitor(&app).await;
    let good = of(&device, "[Amplitude] Page Viewed", "i-0");
    let base = || of(&device, "Poll created", "i-1");
    let properties = |properties: Value| with(base(), "event_properties", properties);
    const DAY: i64 = 24 * 3_600_000;
    for (forged, field) in [
        (properties(json!({"stripe_event": "evt_1"})), "event_properties"),
        (
            properties(json!({"stitched_by": "checkout handoff"})),
            "event_properties",
        ),
        (properties(json!({"click": "x"})), "event_properties"),
        (with(base(), "groups", json!({"org": "x"})), "groups"),
        (
            with(base(), "group_properties", json!({"org": "x"})),
            "group_properties",
        ),
        (with(base(), "time", json!(SESSION - 8 * DAY)), "time"),
        (with(base(), "time", json!(SESSION + 3_600_000)), "time"),
        (with(base(), "time", json!("2026-11-18")), "time"),
    ] {
        let answer = browser
            .ingest(&batch(
                &app.public_key,
                &[good.clone(), forged.clone(), good.clone()],
            ))
            .await;
        assert_eq!(answer.status, 400, "{forged}");
        assert_eq!(
            answer.json()["events_with_invalid_fields"],
            json!({field: [1]}),
            "{forged}"
        );
    }
    assert_eq!(app.collector.deliveries().await, Vec::<Value>::new());
    let kept_offline = with(base(), "time", json!(SESSION - 6 * DAY));
    assert_eq!(
        browser
            .ingest(&batch(&app.public_key, &[good, kept_offline]))
            .await
            .status,
        200
    );
}
