//! Metrics: their own listener, what they count, and the names in `deploy/`.

use std::collections::BTreeSet;
use std::net::TcpListener;

use db::testing::engines;

use crate::support::TestApp;

async fn scrape(address: &str) -> String {
    let response = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

/// The names that a query can use.
fn names(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| line.split(['{', ' ']).next())
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn metrics_count_requests_and_queues_on_a_listener_of_their_own() {
    for engine in engines() {
        let address = free_address();
        let app = TestApp::with(engine, &[("METRICS_ADDR", &address)]).await;
        let mut browser = app.browser();
        browser.open("/sign-in?next=/polls").await;
        browser.open("/p/0197c2d4-6c8e-7b1a-9d50-3b1f6a7e4c21").await;
        assert_eq!(
            browser.open("/metrics").await.status,
            404,
            "not on the site's listener"
        );

        let text = scrape(&address).await;
        for line in [
            r#"seamline_http_requests_total{method="GET",route="/sign-in",status="200"} 1"#,
            r#"seamline_http_requests_total{method="GET",route="/p/{poll}",status="404"} 1"#,
            r#"seamline_http_request_duration_seconds_count{route="/sign-in"} 1"#,
            r#"seamline_queue_rows{queue="outbox",state="parked"} 0"#,
            r#"seamline_queue_rows{queue="webhooks",state="pending"} 0"#,
            r#"seamline_queue_rows{queue="mails",state="parked"} 0"#,
            r#"seamline_queue_rows{queue="account-deletions",state="parked"} 0"#,
            r#"seamline_queue_oldest_seconds{queue="outbox"} 0"#,
            r#"seamline_task_failed{task="dispatcher"} 0"#,
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{engine:?}: {line} in {text}"
            );
        }
        assert!(text.contains("seamline_build_info{version=\""), "{text}");
        for hidden in ["0197c2d4", "polls\"", "example.com"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        let other = reqwest::get(format!("http://{address}/sign-in")).await.unwrap();
        assert_eq!(other.status(), 404, "the listener serves metrics alone");
    }
}

#[tokio::test]
async fn rules_and_dashboard_use_exported_names_only() {
    let address = free_address();
    let app = TestApp::with(db::Engine::Sqlite, &[("METRICS_ADDR", &address)]).await;
    app.browser().open("/sign-in").await;
    let exported = names(&scrape(&address).await);
    for file in ["prometheus/alerts.yaml", "grafana/seamline.json"] {
        let text = std::fs::read_to_string(format!("../deploy/{file}")).unwrap();
        let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        let used: BTreeSet<&str> = words.filter(|word| word.starts_with("seamline_")).collect();
        assert!(used.len() > 5, "{file}: {used:?}");
        for name in used {
            assert!(exported.contains(name), "{file}: {name} is not in {exported:?}");
        }
    }
}
