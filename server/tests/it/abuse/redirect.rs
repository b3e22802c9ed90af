//! No server function redirects to the Referer.

use http::Method;
use leptos::server_fn::axum::server_fn_paths;
use serde_json::json;
use uuid::Uuid;

use crate::browser::HTML;
use crate::support::TestApp;

#[tokio::test]
async fn no_server_function_redirects_to_another_host() {
    const EVIL: &str = "https://evil.example/phish";
    let app = TestApp::start().await;
    let browser = app.browser();
    let paths: Vec<_> = server_fn_paths().map(|(path, _)| path).collect();
    assert!(paths.contains(&"/api/vote"), "{paths:?}");
    let vote = json!({"poll": Uuid::nil(), "choice": ["0"], "revision": "0"}).to_string();
    for path in paths {
        for method in [Method::GET, Method::POST, Method::HEAD] {
            for (kind, body) in [
                ("application/json", vote.as_str()),
                ("application/json", "{"),
                ("application/x-www-form-urlencoded", "poll=1"),
            ] {
                let request = browser
                    .request(method.clone(), path)
                    .header("accept", HTML)
                    .header("referer", EVIL)
                    .header("sec-fetch-site", "same-origin")
                    .header("content-type", kind);
                let mut browser = browser.clone();
                let answer = browser.send(request.body(body.to_owned())).await;
                let location = answer.header("location");
                assert!(
                    location.is_none() && !(300..400).contains(&answer.status),
                    "{method} {path} {kind} {body}: {} {location:?}",
                    answer.status
                );
            }
        }
    }
}
