//! Item 2: local mode by accident. There every visitor is an operator, so only this machine may reach it.

use db::Engine;
use reqwest::{Method, StatusCode};

use crate::support::TestApp;

const ROUTES: [(Method, &str); 14] = [
    (Method::GET, "/"),
    (Method::GET, "/mailbox"),
    (Method::GET, "/lab"),
    (Method::GET, "/operations"),
    (Method::GET, "/timeline?find=ada%40example.com"),
    (Method::GET, "/timeline/export"),
    (Method::GET, "/timeline/live"),
    (Method::GET, "/livez"),
    (Method::GET, "/readyz"),
    (Method::GET, "/unknown"),
    (Method::POST, "/sign-up"),
    (Method::POST, "/ingest"),
    (Method::POST, "/webhooks/stripe"),
    (Method::POST, "/api/vote"),
];

async fn status(
    app: &TestApp,
    (method, path): &(Method, &str),
    header: (&str, &str),
) -> (StatusCode, String) {
    let request = app
        .browser()
        .request(method.clone(), path)
        .header(header.0, header.1);
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn other_host_names_are_refused_on_every_route() {
    let app = TestApp::start().await;
    for route in &ROUTES {
        for host in ["evil.example", "127.evil.example", "10.0.0.1:3000"] {
            let (status, text) = status(&app, route, ("host", host)).await;
            assert_eq!(status, 421, "{route:?} {host}");
            assert!(text.contains("SEAMLINE_LOCAL=remote"), "{route:?}: {text}");
        }
    }
    for host in ["localhost:3000", "127.0.0.1", "[::1]:3000"] {
        assert_eq!(
            status(&app, &(Method::GET, "/livez"), ("host", host)).await.0,
            200,
            "{host}"
        );
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn forwarded_requests_are_refused_on_every_route() {
    let app = TestApp::start().await;
    for route in &ROUTES {
        for header in [
            ("forwarded", "for=192.0.2.1"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-host", "demo.example"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "192.0.2.1"),
        ] {
            let (status, text) = status(&app, route, header).await;
            assert_eq!(status, 421, "{route:?} {header:?}");
            assert!(text.contains("SEAMLINE_LOCAL=remote"), "{route:?}: {text}");
        }
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn a_remote_development_machine_is_chosen_explicitly() {
    let app = TestApp::with(Engine::Sqlite, &[("SEAMLINE_LOCAL", "remote")]).await;
    for header in [("host", "dev.example"), ("x-forwarded-for", "192.0.2.1")] {
        assert_eq!(
            status(&app, &(Method::GET, "/mailbox"), header).await.0,
            200,
            "{header:?}"
        );
    }
}
