//! Metrics: their own listener, what they count, and the names in `deploy/`.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use db::testing::engines;
use reqwest::Method;

use crate::billing::pay;
use crate::sdk::{DEVICE, SESSION, batch, event};
use crate::support::{PATIENCE, TestApp, until};

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

/// Waits until a scrape has all of these lines.
async fn until_lines(address: &str, lines: &[&str]) {
    let mut missing = Vec::new();
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let text = scrape(address).await;
            missing = lines
                .iter()
                .filter(|line| !text.lines().any(|found| found == **line))
                .collect();
            if missing.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(found.is_ok(), "missing: {missing:#?}");
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
            r#"seamline_queue_rows{queue="customer-emails",state="parked"} 0"#,
            r#"seamline_queue_oldest_seconds{queue="outbox"} 0"#,
            r#"seamline_task_failed{task="dispatcher"} 0"#,
            r#"seamline_queue_attempts_total{queue="webhooks",outcome="parked"} 0"#,
            r#"seamline_mails_total{kind="payment_failed",result="parked"} 0"#,
            r#"seamline_events_total{owner="server",name="Payment failure"} 0"#,
            r#"seamline_webhook_delivery_lag_seconds_count{type="invoice.paid"} 0"#,
            r#"seamline_password_hashes{state="waiting"} 0"#,
            r#"seamline_password_hashes_refused_total{limit="network"} 0"#,
            r#"seamline_feeds_refused_total{limit="total"} 0"#,
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
async fn work_is_counted_by_its_outcome() {
    for engine in engines() {
        let address = free_address();
        let mut app = TestApp::with(engine, &[("METRICS_ADDR", &address)]).await;
        app.collector.go_down().await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        until_lines(
            &address,
            &[
                r#"seamline_mails_total{kind="verify_email",result="sent"} 1"#,
                r#"seamline_queue_attempts_total{queue="mails",outcome="done"} 1"#,
                r#"seamline_queue_attempts_total{queue="outbox",outcome="done"} 0"#,
            ],
        )
        .await;
        until("an attempt failed", async || {
            let text = scrape(&address).await;
            let retried = r#"seamline_queue_attempts_total{queue="outbox",outcome="retried"} 0"#;
            (!text.contains(retried)).then_some(())
        })
        .await;
        app.collector.come_back().await;
        until_lines(
            &address,
            &[
                r#"seamline_events_total{owner="server",name="Sign-up completed"} 1"#,
                r#"seamline_queue_attempts_total{queue="outbox",outcome="done"} 1"#,
            ],
        )
        .await;

        let mut visitor = app.browser();
        visitor.adopt(&app.public_key, DEVICE, SESSION).await;
        let events = [event("session_start", "i-1"), event("Poll created", "i-2")];
        let accepted = visitor.ingest(&batch(&app.public_key, &events)).await;
        assert_eq!(accepted.status, 200, "{engine:?}: {}", accepted.text());
        let refused = visitor
            .ingest(&batch(&app.public_key, &[event("Ada's event", "i-3")]))
            .await;
        assert_eq!(refused.status, 400, "{engine:?}: {}", refused.text());
        until_lines(
            &address,
            &[
                r#"seamline_events_total{owner="browser",name="Poll created"} 1"#,
                r#"seamline_events_total{owner="browser",name="other"} 1"#,
            ],
        )
        .await;
        assert!(!scrape(&address).await.contains("Ada"));
        app.stop().await;
    }
}

#[tokio::test]
async fn webhooks_are_timed_from_stripes_change_to_our_application() {
    for engine in engines() {
        let address = free_address();
        let app = TestApp::with(engine, &[("METRICS_ADDR", &address)]).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        browser.open("/pricing").await;
        let checkout = browser.submit("/pricing", &[("interval", "year")]).await;
        pay(checkout.redirect().1).await;
        let user = app.user("ada@example.com").await;
        app.collector.event(&user, "Trial started").await;
        until_lines(
            &address,
            &[
                r#"seamline_webhook_delivery_lag_seconds_count{type="customer.subscription.created"} 1"#,
                r#"seamline_webhook_application_lag_seconds_count{type="customer.subscription.created"} 1"#,
            ],
        )
        .await;
        let text = scrape(&address).await;
        assert!(
            !text.contains(r#"seamline_queue_attempts_total{queue="webhooks",outcome="done"} 0"#),
            "{engine:?}: {text}"
        );
        assert!(
            !text.contains("checkout.session.completed"),
            "a type without an effect is `other`: {text}"
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn open_and_refused_feeds_are_counted() {
    let address = free_address();
    let variables = [("METRICS_ADDR", address.as_str()), ("MAX_FEEDS_PER_ADDRESS", "1")];
    let app = TestApp::with(db::Engine::Sqlite, &variables).await;
    let browser = app.browser();
    let open = async || browser.request(Method::GET, "/lab/live").send().await.unwrap();
    let feed = open().await;
    assert_eq!(feed.status(), 200);
    assert_eq!(open().await.status(), 429);
    let lines = |open: u8| {
        [
            format!(r#"seamline_feeds_open{{route="/lab/live"}} {open}"#),
            r#"seamline_feeds_refused_total{limit="network"} 1"#.to_owned(),
        ]
    };
    until_lines(&address, &lines(1).each_ref().map(String::as_str)).await;
    drop(feed);
    until_lines(&address, &lines(0).each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn rules_and_dashboard_use_exported_names_only() {
    let address = free_address();
    let app = TestApp::with(db::Engine::Sqlite, &[("METRICS_ADDR", &address)]).await;
    let mut browser = app.browser();
    browser.open("/sign-in").await;
    let _feed = browser.request(Method::GET, "/lab/live").send().await.unwrap();
    let exported = names(&scrape(&address).await);
    for file in ["prometheus/alerts.yaml", "grafana/seamline.json"] {
        let text = std::fs::read_to_string(format!("../deploy/{file}")).unwrap();
        let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        let used: BTreeSet<&str> = words.filter(|word| word.starts_with("seamline_")).collect();
        assert!(used.len() > 10, "{file}: {used:?}");
        for name in used {
            assert!(exported.contains(name), "{file}: {name} is not in {exported:?}");
        }
    }
    let guide = std::fs::read_to_string("../docs/deploying.md").unwrap();
    for name in exported {
        let base = name.trim_end_matches("_bucket").trim_end_matches("_count");
        let base = base.trim_end_matches("_sum");
        assert!(guide.contains(&format!("`{base}`")), "{base} is not in the guide");
    }
}
