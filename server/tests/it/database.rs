//! A database in trouble: the server says so, guesses nothing, and goes on when it is over.

use db::testing::engines;
use serde_json::json;

use crate::browser::HTML;
use crate::support::TestApp;

#[tokio::test]
async fn a_database_error_is_shown_and_changes_nothing() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        app.execute("ALTER TABLE outbox RENAME TO outbox_away").await;
        let mut browser = app.browser();
        let answer = browser.sign_up("ada@example.com").await;
        assert_eq!(answer.status, 500, "{engine:?}");
        let text = answer.text();
        assert!(
            text.contains("Something went wrong on our side, and nothing was changed."),
            "{text}"
        );
        assert!(
            text.contains("value=\"ada@example.com\""),
            "what was typed stays: {text}"
        );
        assert!(!text.contains("outbox"), "and no word of why: {text}");
        assert_eq!(
            (app.count("users").await, app.count("logins").await),
            (0, 0),
            "{engine:?}"
        );

        app.execute("ALTER TABLE outbox_away RENAME TO outbox").await;
        assert_eq!(browser.sign_up("ada@example.com").await.status, 303);
        app.collector
            .event(&app.user("ada@example.com").await, "Sign-up completed")
            .await;
    }
}

#[tokio::test]
async fn an_unreachable_database_signs_no_user_out() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let before = browser.open("/").await.boot();

        app.execute("ALTER TABLE logins RENAME TO logins_away").await;
        for answer in [
            browser.open("/").await,
            browser.sign_out().await,
            browser.ingest(&json!({})).await,
        ] {
            assert_eq!(answer.status, 503, "{engine:?}");
            assert!(
                answer.text().contains("Please try again in a moment."),
                "{}",
                answer.text()
            );
            assert_eq!(
                (answer.header("retry-after"), answer.header("cache-control")),
                (Some("5"), Some("no-store"))
            );
            assert!(answer.cookies.is_empty(), "{engine:?}: {:?}", answer.cookies);
        }
        let page = browser.open("/").await;
        assert!(
            page.text().contains("<h1>Temporarily unavailable<"),
            "{}",
            page.text()
        );
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        let mut stranger = app.browser();
        let request = stranger.request(reqwest::Method::GET, "/").header("accept", HTML);
        assert_eq!(
            stranger.send(request).await.status,
            200,
            "{engine:?}: who has no login needs none"
        );

        app.execute("ALTER TABLE logins_away RENAME TO logins").await;
        let after = browser.open("/").await.boot();
        assert_eq!(
            (&after["user"], &after["device"]),
            (&before["user"], &before["device"]),
            "{engine:?}"
        );
    }
}
