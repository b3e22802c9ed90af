//! Without Amplitude's secret key a deletion is not reported as done. It is parked, shown, and continued with the key.

use db::Engine;

use crate::browser::PASSWORD;
use crate::support::{REAL_KEYS, TestApp, until};

#[tokio::test]
async fn a_deletion_without_amplitudes_secret_key_is_parked_shown_and_continued_with_the_key() {
    let app = TestApp::with_keys(&[]).await;
    let (mut ada, mut operator) = (app.browser(), app.browser());
    ada.sign_up("ada@example.com").await;
    operator.sign_up("bob@example.com").await;
    app.execute(
        "UPDATE users SET email_verified_at = 1, operator_since_ms = 1 WHERE email_key = 'bob@example.com'",
    )
    .await;
    let user = app.user("ada@example.com").await;
    let page = ada.open("/settings/delete").await.text();
    assert!(page.contains("the request stays open"), "{page}");
    let done = ada
        .submit("/settings/delete", &[("current_password", PASSWORD)])
        .await;
    assert_eq!(done.redirect(), (303, "/goodbye"));
    until("the deletion is parked", async || {
        (app.count("account_deletions WHERE parked_ms IS NOT NULL").await == 1).then_some(())
    })
    .await;
    assert_eq!(app.count("account_deletions WHERE step = 'done'").await, 0);
    assert_eq!(app.count("users").await, 1, "our own data is deleted");
    let page = operator.open("/operations").await.text();
    for text in [
        "Delete the data at Amplitude",
        "AMPLITUDE_SECRET_KEY is not set",
        &user,
        "Try again",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let form = [("action", "replay_deletion"), ("id", user.as_str())];
    let answer = operator.submit("/operations", &form).await;
    assert_eq!(answer.redirect(), (303, "/operations?done=deletion-replayed"));
    until("it is parked again, because nothing has changed", async || {
        (app.count("account_deletions WHERE parked_ms IS NOT NULL").await == 1).then_some(())
    })
    .await;

    let mut with_key = REAL_KEYS.to_vec();
    with_key.extend([
        ("AMPLITUDE_SECRET_KEY", "fedcba9876543210fedcba9876543210"),
        ("DATABASE_URL", &app.database.url),
    ]);
    let restarted = TestApp::with(Engine::Sqlite, &with_key).await;
    until("it is done", async || {
        (app.count("account_deletions WHERE step = 'done' AND parked_ms IS NULL")
            .await
            == 1)
            .then_some(())
    })
    .await;
    restarted.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn a_replay_of_a_deletion_that_is_not_parked_changes_nothing() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for id in ["", "x", "\u{0}", "00000000-0000-4000-8000-000000000000"] {
        let form = [("action", "replay_deletion"), ("id", id)];
        let answer = browser.submit("/operations", &form).await;
        assert_eq!(answer.redirect(), (303, "/operations?done=not-parked"), "{id:?}");
    }
    app.assert_untouched().await;
}
