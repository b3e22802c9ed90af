//! Guessing passwords and asking for addresses ends soon.

use db::testing::engines;

use crate::browser::{Browser, PASSWORD};
use crate::support::TestApp;

const TOO_MANY: &str = "Too many attempts. Please wait";

async fn fail(browser: &mut Browser, email: &str) {
    let answer = browser
        .submit("/sign-in", &[("email", email), ("password", "a wrong one")])
        .await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("not right"), "{}", answer.text());
}

#[tokio::test]
async fn an_account_can_be_guessed_at_ten_times() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        app.browser().sign_up("ada@example.com").await;
        app.browser().sign_up("bob@example.com").await;
        for _ in 0..10 {
            fail(&mut browser, "Ada@example.com").await;
        }
        let answer = browser.sign_in("ada@example.com").await;
        assert!(
            answer.text().contains(TOO_MANY),
            "{engine:?}: the right password comes too late"
        );
        assert_eq!(answer.status, 422);
        assert!(!answer.text().contains(PASSWORD));
        assert_eq!(
            browser.sign_in("bob@example.com").await.status,
            303,
            "another account is not in the way"
        );

        app.execute("UPDATE throttles SET window_end = 1").await;
        browser.sign_out().await;
        assert_eq!(browser.sign_in("ada@example.com").await.status, 303, "it passes");
    }
}

#[tokio::test]
async fn a_success_forgives_the_account_and_not_the_address() {
    for engine in engines() {
        let app = TestApp::with(engine, &[("CLIENT_IP_HEADER", "X-Client-Address")]).await;
        let mut browser = app.browser();
        browser.headers.push(("x-client-address", "203.0.113.7".into()));
        browser.sign_up("ada@example.com").await;
        browser.sign_out().await;
        fail(&mut browser, "ada@example.com").await;
        fail(&mut browser, "ada@example.com").await;
        assert_eq!(app.count("throttles").await, 2, "{engine:?}");
        assert_eq!(browser.sign_in("ada@example.com").await.status, 303);
        browser.sign_out().await;
        assert_eq!(
            app.number("SELECT failures FROM throttles").await,
            2,
            "the address's"
        );

        app.execute("UPDATE throttles SET failures = 50").await;
        assert!(browser.sign_in("ada@example.com").await.text().contains(TOO_MANY));
        browser.headers[0].1 = "203.0.113.8".into();
        assert_eq!(
            browser.sign_in("ada@example.com").await.status,
            303,
            "from elsewhere"
        );
        let stored = app.texts("SELECT key FROM throttles").await.join(" ");
        assert!(
            !stored.contains("203.0.113") && !stored.contains("ada"),
            "{stored}"
        );
    }
}

#[tokio::test]
async fn addresses_cannot_be_asked_for_without_end() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        app.browser().sign_up("ada@example.com").await;
        let mut browser = app.browser();
        assert!(
            browser
                .sign_up("ada@example.com")
                .await
                .text()
                .contains("account with this address already")
        );
        assert_eq!(
            app.number("SELECT failures FROM throttles").await,
            1,
            "{engine:?}"
        );

        app.execute("UPDATE throttles SET failures = 20").await;
        for email in ["ada@example.com", "free@example.com"] {
            let answer = browser.sign_up(email).await;
            assert!(answer.text().contains(TOO_MANY), "{email}");
            assert_eq!(answer.status, 422);
        }
        assert_eq!(app.count("users").await, 1);
    }
}
