//! Item 12: visitors cannot use up Amplitude's limit of queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::{get, post};
use axum::{Json, Router};
use db::Engine;
use serde_json::json;
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::support::TestApp;

/// Amplitude's Dashboard REST API, which counts its queries.
struct Amplitude {
    url: String,
    queries: Arc<AtomicUsize>,
}

impl Amplitude {
    async fn start() -> Self {
        let queries = Arc::<AtomicUsize>::default();
        let counted = |response: serde_json::Value| {
            let queries = Arc::clone(&queries);
            get(async move || {
                queries.fetch_add(1, Ordering::Relaxed);
                Json(response)
            })
        };
        let router = Router::new()
            .route(
                "/api/2/usersearch",
                counted(json!({"matches": [{"amplitude_id": 1}]})),
            )
            .route(
                "/api/2/useractivity",
                counted(json!({"userData": {}, "events": []})),
            )
            .route("/2/httpapi", post(async || Json(json!({"code": 200}))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, queries }
    }

    /// How many queries there were since the last call.
    fn queries(&self) -> usize {
        self.queries.swap(0, Ordering::Relaxed)
    }
}

/// An app with a real project: 36 queries an hour, of which visitors have 24, and one network 4. Half of each are allowed at
/// once.
async fn app(amplitude: &Amplitude) -> TestApp {
    let variables = [
        ("PUBLIC_URL", "https://demo.example"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("CONSENT_DEFAULT", "granted"),
        ("AMPLITUDE_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("AMPLITUDE_SECRET_KEY", "fedcba9876543210fedcba9876543210"),
        ("AMPLITUDE_URL", &amplitude.url),
        ("AMPLITUDE_QUERIES_PER_HOUR", "36"),
        ("STRIPE_SECRET_KEY", "sk_test_0123456789"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789"),
        // No mail server listens there.
        ("SMTP_URL", "smtp://127.0.0.1:9"),
    ];
    TestApp::with(Engine::Sqlite, &variables).await
}

/// A new device, with an address as the proxy reports it.
async fn visitor(app: &TestApp, address: &str) -> Browser {
    let mut browser = app.browser();
    browser.set_header("x-forwarded-for", address);
    browser.open("/").await;
    browser
}

#[tokio::test]
async fn a_timeline_that_was_just_read_costs_no_query() {
    let amplitude = Amplitude::start().await;
    let app = app(&amplitude).await;
    let mut browser = visitor(&app, "203.0.113.1").await;
    for _ in 0..5 {
        assert_eq!(browser.open("/timeline").await.status, 200);
    }
    assert_eq!(amplitude.queries(), 2);
}

#[tokio::test]
async fn a_network_has_a_budget() {
    let amplitude = Amplitude::start().await;
    let app = app(&amplitude).await;
    for device in 0..10 {
        let mut browser = visitor(&app, &format!("2001:db8:1:2::{device}")).await;
        browser.open("/timeline").await;
    }
    assert_eq!(amplitude.queries(), 2);

    let mut browser = visitor(&app, "2001:db8:1:2::99").await;
    let page = browser.open("/timeline").await;
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("Your network has read many timelines"),
        "{}",
        page.text()
    );
    let file = browser.open("/timeline/verdict").await;
    assert_eq!(file.status, 429);
    let seconds: u32 = file.header("retry-after").unwrap().parse().unwrap();
    assert!((60..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(amplitude.queries(), 0);
}

#[tokio::test]
async fn visitors_leave_queries_for_operators() {
    let amplitude = Amplitude::start().await;
    let app = app(&amplitude).await;
    for network in 1..40 {
        let mut browser = visitor(&app, &format!("203.0.113.{network}")).await;
        browser.open("/timeline").await;
    }
    assert_eq!(amplitude.queries(), 12, "half of the visitors' share");
    let mut late = visitor(&app, "203.0.113.99").await;
    let page = late.open("/timeline").await.text();
    assert!(page.contains("Amplitude's query limit is reached"), "{page}");

    let mut operator = visitor(&app, "203.0.113.100").await;
    operator.sign_up("ada@example.com").await;
    app.execute("UPDATE users SET operator_since_ms = 1 WHERE email_key = 'ada@example.com'")
        .await;
    for user in 0..3 {
        let page = operator.open(&format!("/timeline?find=user-{user}")).await;
        assert!(!page.text().contains("limit is reached"), "{}", page.text());
    }
    // One search each; all lead to the same person, whose events are cached.
    assert_eq!(amplitude.queries(), 3, "the operators' share");
}
