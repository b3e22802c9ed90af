//! Probes.

use db::testing::engines;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn probes_set_no_cookies_and_report_the_database() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        for path in ["/livez", "/readyz"] {
            let answer = browser.open(path).await;
            assert_eq!(answer.status, 200, "{engine:?} {path}");
            assert!(answer.cookies.is_empty(), "{engine:?} {path}");
        }
        let ready = browser.open("/readyz").await.json();
        let tasks = [
            "account-deletions",
            "browser-counts",
            "customer-emails",
            "dispatcher",
            "mail",
            "poll-closing",
            "retention",
            "webhooks-1",
            "webhooks-2",
            "webhooks-3",
            "webhooks-4",
            "webhooks-5",
            "webhooks-6",
            "webhooks-7",
            "webhooks-8",
        ];
        let tasks: serde_json::Map<_, _> = tasks
            .map(|task| (task.to_owned(), json!("running")))
            .into_iter()
            .collect();
        let expected = json!({"stopping": false, "database": true, "delivery": "ok", "tasks": tasks});
        assert_eq!(ready, expected, "{engine:?}");
    }
}
