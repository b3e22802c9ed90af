//! Item 6: no real key and no password travels in plain text, and no API key follows a redirect.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use backend::config::Config;
use db::Engine;
use serde_json::json;
use tokio::net::TcpListener;

use crate::sdk::{batch, event, with};
use crate::support::{REAL_KEYS, TestApp, until};

/// The error of a configuration with real keys and `variable`.
fn refusal(variable: (&str, &str)) -> String {
    let config = Config::read(|name| {
        let pairs = std::iter::once(variable).chain(REAL_KEYS).chain([
            ("COOKIE_KEY", "a key for tests, 32 bytes or more"),
            ("DATABASE_URL", "sqlite:unused.db"),
        ]);
        let mut pairs = pairs.filter(|(key, _)| *key == name);
        pairs.next().map(|(_, value)| value.to_owned())
    });
    config.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn plain_text_transport_beyond_this_machine_is_refused() {
    for (variable, named) in [
        (("AMPLITUDE_URL", "http://amplitude.example"), "AMPLITUDE_URL"),
        (
            ("DATABASE_URL", "postgres://ada:secret@db.example/app"),
            "sslmode",
        ),
        (
            (
                "DATABASE_URL",
                "postgres://ada:secret@db.example/app?sslmode=prefer",
            ),
            "sslmode",
        ),
        (("SMTP_URL", "smtp://mail.example"), "SMTP_URL"),
        (("PUBLIC_URL", "http://demo.example"), "PUBLIC_URL"),
    ] {
        let text = refusal(variable);
        assert!(
            text.contains(named) && !text.contains("secret"),
            "{variable:?}: {text}"
        );
    }
}

/// Serves `router` on a free port. Returns its URL.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn the_api_key_follows_no_redirect() {
    let elsewhere_requests = Arc::new(AtomicUsize::new(0));
    let count = elsewhere_requests.clone();
    let elsewhere = serve(Router::new().fallback(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        StatusCode::OK
    }))
    .await;
    let (redirects, to) = (Arc::new(AtomicUsize::new(0)), elsewhere.clone());
    let count = redirects.clone();
    let collector = serve(Router::new().fallback(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        Redirect::temporary(&to).into_response()
    }))
    .await;
    let app = TestApp::with(Engine::Sqlite, &[("AMPLITUDE_URL", &collector)]).await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    until("the dispatcher's request", async || {
        (redirects.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    let delivered = redirects.load(Ordering::SeqCst);
    let own = with(
        event("session_start", "i-1"),
        "device_id",
        json!(browser.device()),
    );
    let answer = browser.ingest(&batch(&app.public_key, &[own])).await;
    assert_ne!(answer.status, 200, "{}", answer.text());
    assert!(redirects.load(Ordering::SeqCst) > delivered, "it was forwarded");
    assert_eq!(elsewhere_requests.load(Ordering::SeqCst), 0);
}
