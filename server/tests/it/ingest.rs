//! The ingest route: what passes, what is refused, and that the SDK hears what Amplitude would say.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use db::Engine;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::support::TestApp;

const DEVICE: &str = "5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11";
const SESSION: i64 = 1_795_000_000_000;

/// An event as the SDK shapes it.
fn event(name: &str, insert_id: &str) -> Value {
    json!({
        "event_type": name,
        "device_id": DEVICE,
        "session_id": SESSION,
        "time": SESSION + 1_000,
        "insert_id": insert_id,
        "event_id": 1,
        "platform": "Web",
        "language": "en-GB",
        "ip": "$remote",
        "library": "amplitude-ts/2.48.1",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "event_properties": {},
        "user_properties": {},
    })
}

fn with(mut event: Value, key: &str, value: Value) -> Value {
    event[key] = value;
    event
}

fn batch(key: &str, events: &[Value]) -> Value {
    json!({
        "api_key": key,
        "events": events,
        "options": {"min_id_length": 1},
        "client_upload_time": "2026-11-18T11:06:42.000Z",
        "request_metadata": {"sdk": {"metrics": {"histogram": {}}}},
    })
}

fn attribution() -> Value {
    let properties = json!({"$setOnce": {"initial_utm_source": "EMPTY"}, "$unset": {"utm_source": "-"}});
    with(event("$identify", "i-2"), "user_properties", properties)
}

#[tokio::test]
async fn a_clean_batch_arrives_under_the_real_key_and_the_visitors_address() {
    let app = TestApp::with(Engine::Sqlite, &[("CLIENT_IP_HEADER", "X-Client-Address")]).await;
    let mut browser = app.browser();
    browser.headers.push(("x-client-address", "203.0.113.7".into()));
    browser.headers.push(("x-forwarded-for", "198.51.100.1".into()));
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
async fn text_is_taken_for_the_json_that_it_is() {
    let app = TestApp::start().await;
    let sent = batch(&app.public_key, &[event("session_start", "i-1")]).to_string();
    for kind in [
        "text/plain;charset=UTF-8",
        "application/json",
        "application/octet-stream",
    ] {
        let answer = app.browser().post("/ingest", kind, sent.clone()).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (200, &json!(200)),
            "{kind}"
        );
    }
    assert_eq!(app.collector.deliveries().await.len(), 3);
}

/// An Amplitude that says what it is told to say.
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
async fn every_answer_comes_back_byte_for_byte() {
    let scripted = Scripted::default();
    let url = scripted.serve().await;
    let app = TestApp::with(Engine::Sqlite, &[("AMPLITUDE_URL", &url)]).await;
    let mut browser = app.browser();
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
    assert_eq!(
        heard.len(),
        11,
        "each batch is forwarded once, whatever the answer"
    );
    let mut expected = sent;
    expected["api_key"] = json!(app.api_key);
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
    let answer = app.browser().ingest(&batch(&app.public_key, events)).await;
    let kind = answer.header("content-type").map(str::to_owned);
    assert_eq!((answer.status, kind, answer.body), direct, "{what}");
    serde_json::from_slice(&direct.2).unwrap_or_default()
}

#[tokio::test]
async fn the_sdk_hears_what_amplitude_would_say() {
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
        with(event("session_start", "i-2"), "time", json!("yesterday")),
    ];
    let refused = assert_as_amplitude(&app, "a bad index", &bad, None).await;
    assert_eq!(refused["events_with_invalid_fields"]["time"], json!([1]));
    assert_as_amplitude(&app, "no event at all", &[], None).await;
    let many = vec![json!({"event_type": "session_start", "device_id": DEVICE}); 2_001];
    let refused = assert_as_amplitude(&app, "too many", &many, None).await;
    assert_eq!(refused["code"], 413);
}

/// Posts something that is no batch, and asserts that the answer is Amplitude's.
async fn assert_told(app: &TestApp, body: String, status: u16, expected: Value) {
    let what = format!("{body:.80}");
    let answer = app.browser().post("/ingest", "application/json", body).await;
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(answer.json(), expected, "{what}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
}

#[tokio::test]
async fn what_is_no_batch_is_answered_in_amplitudes_words() {
    let app = TestApp::start().await;
    let fault = |error: &str| json!({"code": 400, "error": error});
    assert_told(&app, String::new(), 400, fault("Missing request body")).await;
    assert_told(&app, "{".into(), 400, fault("Invalid JSON request body")).await;
    assert_told(&app, "[]".into(), 400, fault("Invalid JSON request body")).await;
    assert_told(&app, "[".repeat(200_000), 400, fault("Invalid JSON request body")).await;
    let missing = json!({"code": 400, "error": "Request missing required field", "missing_field": "events"});
    assert_told(&app, json!({"api_key": app.public_key}).to_string(), 400, missing).await;
    let text = json!({"api_key": app.public_key, "events": "all"}).to_string();
    assert_told(&app, text, 400, fault("Invalid event JSON")).await;
    let events = [event("session_start", "i-1")];
    for key in ["", "0123456789abcdef0123456789abcdef", app.api_key.as_str()] {
        assert_told(
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
    assert_told(&app, batch(&app.public_key, &[long]).to_string(), 413, too_large).await;
    assert_eq!(
        app.collector.deliveries().await,
        Vec::<Value>::new(),
        "none of it was forwarded"
    );
}

#[tokio::test]
async fn what_a_browser_may_not_say_is_refused_by_index_and_goes_nowhere() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
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
            "somebody else",
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

/// Whether an event that names the user may be sent from this browser.
async fn may_name(app: &TestApp, browser: &mut Browser, user: &str, insert_id: &str) -> bool {
    let late = with(
        event("[Amplitude] Page Viewed", insert_id),
        "user_id",
        json!(user),
    );
    let answer = browser.ingest(&batch(&app.public_key, &[late])).await;
    match answer.status {
        200 => true,
        400 => {
            assert_eq!(
                answer.json()["events_with_invalid_fields"],
                json!({"user_id": [0]})
            );
            false
        }
        other => panic!("{other}: {}", answer.text()),
    }
}

#[tokio::test]
async fn late_events_of_the_login_before_pass_and_nobody_elses() {
    for engine in db::testing::engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let ada = app.user("ada@example.com").await;
        assert!(
            may_name(&app, &mut browser, &ada, "i-1").await,
            "{engine:?}: signed in"
        );

        // Another tab still has the cookie of a login that has ended.
        let mut tab = browser.clone();
        app.execute("UPDATE logins SET ended_at = 1, ended_by = 'revoked'")
            .await;
        assert!(
            may_name(&app, &mut tab, &ada, "i-2").await,
            "the tab's last words"
        );
        app.execute("UPDATE logins SET ended_at = NULL, ended_by = NULL")
            .await;

        browser.sign_out().await;
        assert!(
            may_name(&app, &mut browser, &ada, "i-3").await,
            "sent with the next page"
        );
        browser.sign_up("bob@example.com").await;
        let bob = app.user("bob@example.com").await;
        assert!(may_name(&app, &mut browser, &bob, "i-4").await);
        assert!(may_name(&app, &mut browser, &ada, "i-5").await);

        let mut stranger = app.browser();
        stranger.open("/").await;
        assert!(!may_name(&app, &mut stranger, &ada, "i-6").await);
        stranger.set_cookie("seam_previous", "019aa5c4-0000-7000-8000-000000000001");
        assert!(
            !may_name(&app, &mut stranger, &ada, "i-7").await,
            "no login of that ID"
        );
    }
}

#[tokio::test]
async fn an_address_that_sends_too_fast_hears_a_429() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let many = (0..400).map(|_| {
        let mut browser = browser.clone();
        async move { browser.ingest(&json!({})).await }
    });
    let answers = join_all(many).await;
    assert_eq!(answers[0].status, 400, "{}", answers[0].text());
    let Some(answer) = answers.iter().find(|answer| answer.status != 400) else {
        panic!("no limit")
    };
    assert_eq!(answer.status, 429);
    let body = answer.json();
    assert_eq!(body["code"], 429, "the SDK goes by the code");
    assert_eq!(body["error"], "Too many requests for some devices and users");
    assert_eq!(body["throttled_events"], json!([]));
    assert!(
        body["throttled_devices"].is_object() && body["throttled_users"].is_object(),
        "{body}"
    );
    assert!(answer.header("retry-after").is_some());
    assert_eq!(browser.open("/").await.status, 200, "pages have no such limit");
}

#[tokio::test]
async fn without_amplitude_the_sdk_is_told_to_try_again() {
    let mut app = TestApp::start().await;
    app.collector.go_down().await;
    let sent = batch(&app.public_key, &[event("session_start", "i-1")]);
    let answer = app.browser().ingest(&sent).await;
    assert_eq!((answer.status, &answer.json()["code"]), (500, &json!(500)));
    let text = answer.text();
    assert!(
        !text.contains("127.0.0.1") && !text.contains(&app.api_key),
        "{text}"
    );

    app.collector.come_back().await;
    assert_eq!(app.browser().ingest(&sent).await.status, 200);
}
