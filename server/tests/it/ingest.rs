//! The ingest route: accepted batches, and that the SDK gets the responses that Amplitude would send.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use db::Engine;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::sdk::{DEVICE, SESSION, batch, event, with};
use crate::support::{BEHIND_PROXY, TestApp};

/// A browser with the device of `sdk::event`.
async fn sdk_browser(app: &TestApp) -> Browser {
    let mut browser = app.browser();
    browser.adopt(&app.public_key, DEVICE, SESSION).await;
    browser
}

fn attribution() -> Value {
    let properties = json!({"$setOnce": {"initial_utm_source": "EMPTY"}, "$unset": {"utm_source": "-"}});
    with(event("$identify", "i-2"), "user_properties", properties)
}

#[tokio::test]
async fn a_clean_batch_arrives_under_the_real_key_and_the_visitors_address() {
    let app = TestApp::with(Engine::Sqlite, &BEHIND_PROXY).await;
    let mut browser = sdk_browser(&app).await;
    browser.set_header("x-forwarded-for", "198.51.100.1, 203.0.113.7");
    let page = with(
        event("[Amplitude] Page Viewed", "i-3"),
        "event_properties",
        json!({"[Amplitude] Page Path": "/", "referrer": "EMPTY"}),
    );
    let sent = batch(
        &app.public_key,
        &[event("session_start", "i-1"), attribution(), page],
    );
    let answer = browser.ingest(&sent).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(
        (&body["code"], &body["events_ingested"]),
        (&json!(200), &json!(3))
    );
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "code",
            "events_ingested",
            "payload_size_bytes",
            "server_upload_time"
        ]
    );
    assert!(answer.cookies.is_empty(), "it is no visit: {:?}", answer.cookies);

    let found = app.collector.get(&format!("/local/events?device={DEVICE}")).await;
    let events = found["events"].as_array().unwrap();
    assert_eq!(events.len(), 3, "{found}");
    for event in events {
        assert_eq!(
            event["ip_address"], "203.0.113.7",
            "not this server's, and not what a visitor made up"
        );
        assert_eq!(event["session_id"], SESSION);
        assert_eq!(event["platform"], "Web");
    }
}

#[tokio::test]
async fn a_text_plain_body_is_read_as_json() {
    let app = TestApp::start().await;
    let sent = batch(&app.public_key, &[event("session_start", "i-1")]).to_string();
    for kind in [
        "text/plain;charset=UTF-8",
        "application/json",
        "application/octet-stream",
    ] {
        let answer = sdk_browser(&app).await.post("/ingest", kind, sent.clone()).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (200, &json!(200)),
            "{kind}"
        );
    }
    assert_eq!(app.collector.deliveries().await.len(), 3);
}

/// A receiver that answers as the test demands.
#[derive(Clone, Default)]
struct Scripted {
    says: Arc<Mutex<(u16, &'static str, &'static [u8])>>,
    heard: Arc<Mutex<Vec<Bytes>>>,
}

impl Scripted {
    async fn serve(&self) -> String {
        async fn say(State(this): State<Scripted>, body: Bytes) -> impl IntoResponse {
            this.heard.lock().unwrap().push(body);
            let (status, kind, body) = *this.says.lock().unwrap();
            (
                StatusCode::from_u16(status).unwrap(),
                [(header::CONTENT_TYPE, kind)],
                body,
            )
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(say).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }
}

#[tokio::test]
async fn amplitudes_answers_are_returned_unchanged() {
    let scripted = Scripted::default();
    let url = scripted.serve().await;
    let app = TestApp::with(Engine::Sqlite, &[("AMPLITUDE_URL", &url)]).await;
    let mut browser = app.browser();
    browser.adopt(&app.public_key, DEVICE, SESSION).await;
    let sent = batch(&app.public_key, &[event("session_start", "i-1")]);
    for says in [
        (
            200,
            "application/json",
            &b" {\"code\" : 200,\n\"z\":1,\"a\":2}\n"[..],
        ),
        (200, "application/json;charset=utf-8", b"{\"code\":400}"),
        (200, "text/html", b"success"),
        (204, "text/plain", b""),
        (
            400,
            "application/json",
            b"{\"code\":400,\"events_with_invalid_fields\":{\"time\":[0]},\"\xff\":0}",
        ),
        (403, "text/html", b"<html>Forbidden</html>"),
        (
            413,
            "application/json",
            b"{\"code\":413,\"error\":\"Payload too large\"}",
        ),
        (
            429,
            "application/json",
            b"{\"code\":429,\"throttled_events\":[0],\"eps_threshold\":10}",
        ),
        (500, "text/plain", b""),
        (503, "text/plain", b"upstream connect error"),
        (599, "application/json", b"[1,2"),
    ] {
        *scripted.says.lock().unwrap() = says;
        let answer = browser.ingest(&sent).await;
        let (status, kind, body) = says;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some(kind)),
            "{status}"
        );
        assert_eq!(answer.body, body, "{status}");
        assert!(answer.cookies.is_empty());
    }
    let heard = scripted.heard.lock().unwrap();
    assert_eq!(heard.len(), 11, "each batch is forwarded once, for every answer");
    let mut expected = sent;
    expected["api_key"] = json!(app.api_key);
    // No proxy of ours was named, so none is believed.
    expected["events"][0]["ip"] = json!("127.0.0.1");
    for body in heard.iter() {
        assert_eq!(
            serde_json::from_slice::<Value>(body).unwrap(),
            expected,
            "nothing else is touched"
        );
    }
}

/// Sends the batch through the server and past it, and asserts that the answers are the same.
async fn assert_as_amplitude(app: &TestApp, what: &str, events: &[Value], fault: Option<Value>) -> Value {
    let fault = fault.map(|answer| json!([{"answer": answer, "count": 2}]));
    app.collector.break_with(fault.unwrap_or(json!([]))).await;
    let direct = app.collector.upload(&batch(&app.api_key, events)).await;
    let answer = sdk_browser(app)
        .await
        .ingest(&batch(&app.public_key, events))
        .await;
    let kind = answer.header("content-type").map(str::to_owned);
    assert_eq!((answer.status, kind, answer.body.clone()), direct, "{what}");
    serde_json::from_slice(&direct.2).unwrap_or_default()
}

#[tokio::test]
async fn refusals_have_amplitudes_format() {
    let app = TestApp::start().await;
    let events = [event("session_start", "i-1"), event("Poll created", "i-2")];
    let throttled = assert_as_amplitude(&app, "429", &events, Some(json!(429))).await;
    assert_eq!(throttled["throttled_events"], json!([0, 1]));
    for (what, code) in [("413", 413), ("403", 403)] {
        let answer = assert_as_amplitude(&app, what, &events, Some(json!(code))).await;
        assert_eq!(answer["code"], code);
    }
    for status in [500, 502, 503, 504] {
        assert_as_amplitude(&app, "an answer without a body", &events, Some(json!(status))).await;
    }
    let silenced = assert_as_amplitude(&app, "silenced", &events, Some(json!("silenced"))).await;
    assert_eq!(silenced["silenced_events"], json!([0, 1]));
    let invalid = assert_as_amplitude(&app, "a refused key", &events, Some(json!(400))).await;
    assert!(invalid["error"].as_str().unwrap().starts_with("Invalid API key"));

    let bad = [
        event("session_start", "i-1"),
        with(event("session_start", "i-2"), "session_id", json!("yesterday")),
    ];
    let refused = assert_as_amplitude(&app, "a bad index", &bad, None).await;
    assert_eq!(refused["events_with_invalid_fields"]["session_id"], json!([1]));
    assert_as_amplitude(&app, "no event at all", &[], None).await;
    let many = vec![json!({"event_type": "session_start", "device_id": DEVICE}); 2_001];
    let refused = assert_as_amplitude(&app, "too many", &many, None).await;
    assert_eq!(refused["code"], 413);
}

#[tokio::test]
async fn with_amplitude_unreachable_the_sdk_retries() {
    let mut app = TestApp::start().await;
    app.collector.go_down().await;
    let sent = batch(&app.public_key, &[event("session_start", "i-1")]);
    let answer = sdk_browser(&app).await.ingest(&sent).await;
    assert_eq!((answer.status, &answer.json()["code"]), (500, &json!(500)));
    let text = answer.text();
    assert!(
        !text.contains("127.0.0.1") && !text.contains(&app.api_key),
        "{text}"
    );

    app.collector.come_back().await;
    assert_eq!(sdk_browser(&app).await.ingest(&sent).await.status, 200);
}
