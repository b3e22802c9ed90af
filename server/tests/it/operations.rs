//! The operator's pages: who may look, what they show, replays, and forms that are none.

use backend::clock::Clock;
use db::testing::engines;
use serde_json::json;

use crate::support::{TestApp, until};

#[tokio::test]
async fn operations_pages_are_404_for_others() {
    let app = TestApp::with_keys(&[]).await;
    let mut browser = app.browser();
    browser.sign_up("bob@example.com").await;
    let nowhere = browser.open("/nowhere").await;
    for path in [
        "/operations",
        "/operations?webhooks=parked",
        "/operations/revenue",
        "/operations/campaigns",
        "/operations/sessions",
    ] {
        let page = browser.open(path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.text().contains("Page not found"), "{path}");
        assert!(!page.text().contains("Webhooks from Stripe"), "{path}");
    }
    assert!(!nowhere.text().contains("/operations\""), "no link leads there");
    let form = [("action", "replay_event"), ("id", "x")];
    assert_eq!(browser.submit("/operations", &form).await.status, 404);
}

#[tokio::test]
async fn an_account_that_was_made_an_operator_opens_them() {
    let app = TestApp::with_keys(&[]).await;
    let (mut ada, mut bob) = (app.browser(), app.browser());
    ada.sign_up("ada@example.com").await;
    bob.sign_up("bob@example.com").await;
    app.execute("UPDATE users SET email_verified_at = 1").await;
    assert_eq!(ada.open("/operations").await.status, 404);
    app.execute("UPDATE users SET operator_since_ms = 1 WHERE email_key = 'ada@example.com'")
        .await;
    assert_eq!(ada.open("/operations").await.status, 200);
    assert_eq!(bob.open("/operations").await.status, 404);
    let form = [("action", "replay_event"), ("id", "x")];
    let answer = ada.submit("/operations", &form).await;
    assert_eq!(answer.redirect(), (303, "/operations?done=not-parked"));
    assert_eq!(bob.submit("/operations", &form).await.status, 404);
}

#[tokio::test]
async fn the_operations_page_reads_and_stores_nothing() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let user = app.user("ada@example.com").await;
    app.collector.event(&user, "Sign-up completed").await;
    until("it is known to have arrived", async || {
        (app.count("outbox WHERE state = 'sent'").await == 1).then_some(())
    })
    .await;
    let page = browser.open("/operations").await;
    assert_eq!(
        (page.status, page.header("cache-control")),
        (200, Some("no-store"))
    );
    let text = page.text();
    assert!(text.contains("1 event arrived in the last hour."), "{text}");
    assert!(text.contains("Amplitude accepts events"), "{text}");
    assert!(text.contains("href=\"/operations\""), "the footer leads here");
    // A state that is none shows all.
    for query in [
        "?webhooks=parked",
        "?webhooks=nonsense",
        "?done=nonsense&webhooks=%00",
    ] {
        let page = browser.open(&format!("/operations{query}")).await;
        assert_eq!(page.status, 200, "{query}");
    }
}

#[tokio::test]
async fn parked_events_are_replayed_unless_consent_was_withdrawn() {
    for engine in engines() {
        let mut app = TestApp::on(engine).await;
        app.collector.go_down().await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let user = app.user("ada@example.com").await;
        let insert_id = format!("sign-up:{user}");
        let park = |reason: &str| {
            format!("UPDATE outbox SET state = 'parked', parked_ms = 1, parked_reason = '{reason}'")
        };
        app.execute(&park("consent withdrawn")).await;
        let page = browser.open("/operations").await.text();
        assert!(
            page.contains("consent withdrawn") && page.contains("never sent"),
            "{page}"
        );
        assert!(!page.contains("Send again"), "{page}");
        let form = [("action", "replay_event"), ("id", insert_id.as_str())];
        let answer = browser.submit("/operations", &form).await;
        assert_eq!(answer.redirect(), (303, "/operations?done=withheld"));
        assert_eq!(app.count("outbox WHERE state = 'parked'").await, 1, "{engine:?}");

        app.execute(&park("too large")).await;
        app.collector.come_back().await;
        let page = browser.open("/operations").await.text();
        assert!(
            page.contains("Send again") && page.contains("too large"),
            "{page}"
        );
        assert!(page.contains("email_domain"), "the payload is there: {page}");
        let answer = browser.submit("/operations", &form).await;
        assert_eq!(answer.redirect(), (303, "/operations?done=event-replayed"));
        app.collector.event(&user, "Sign-up completed").await;
        let answer = browser.submit("/operations", &form).await;
        let (status, place) = answer.redirect();
        assert_eq!((status, place), (303, "/operations?done=not-parked"));
        assert!(
            browser
                .open(place)
                .await
                .text()
                .contains("this entry is not parked")
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn parked_webhooks_are_replayed() {
    let app = TestApp::start().await;
    // Retention would remove older ones.
    let now_ms = Clock::system().now_ms();
    let sql = format!(
        "INSERT INTO stripe_inbox (event_id, lane, event_type, payload, enqueued_ms, state, attempts, next_attempt_ms,
                                   parked_ms, parked_reason)
         VALUES ('evt_1', 'cus_nobody', 'customer.updated', '{{\"email\":\"ada@example.com\"}}', 1, 'parked', 6, 1,
                 {now_ms}, 'unknown customer')"
    );
    app.execute(&sql).await;
    let mut browser = app.browser();
    let page = browser.open("/operations?webhooks=parked").await.text();
    for text in [
        "evt_1",
        "unknown customer",
        "6 attempts",
        "ada@example.com",
        "Apply again",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let form = [
        ("action", "replay_webhook"),
        ("id", "evt_1"),
        ("webhooks", "parked"),
    ];
    let answer = browser.submit("/operations", &form).await;
    let place = "/operations?done=webhook-replayed&webhooks=parked";
    assert_eq!(answer.redirect(), (303, place));
    until("it was tried again", async || {
        (app.count("stripe_inbox WHERE state <> 'parked' OR attempts <> 6")
            .await
            == 1)
            .then_some(())
    })
    .await;
    assert!(browser.open(place).await.text().contains("being applied again"));
}

#[tokio::test]
async fn unreadable_forms_change_nothing() {
    for engine in engines() {
        no_forms(&TestApp::on(engine).await).await;
    }
}

async fn no_forms(app: &TestApp) {
    let mut browser = app.browser();
    let long = "x".repeat(50_000);
    for (form, done) in [
        (vec![], "unknown"),
        (vec![("action", "drop_everything"), ("id", "1")], "unknown"),
        (vec![("action", "replay_event")], "not-parked"),
        (vec![("action", "replay_event"), ("id", "\u{0}")], "not-parked"),
        (
            vec![("action", "replay_webhook"), ("id", long.as_str())],
            "not-parked",
        ),
        (
            vec![("action", "replay_webhook"), ("id", "evt"), ("webhooks", "\r\nx")],
            "not-parked",
        ),
    ] {
        let answer = browser.submit("/operations", &form).await;
        let place = format!("/operations?done={done}");
        assert_eq!(answer.redirect(), (303, place.as_str()), "{form:.80?}");
    }
    let answer = browser
        .post(
            "/operations",
            "application/json",
            json!({"action": 1}).to_string(),
        )
        .await;
    assert_eq!(answer.redirect(), (303, "/operations?done=unknown"));
    app.assert_untouched().await;
}
