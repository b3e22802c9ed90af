//! Mails and their links, as a browser without script meets them.

use db::Engine;
use db::testing::engines;
use reqwest::Method;
use serde_json::Value;

use crate::browser::{Answer, Browser, HTML, PASSWORD};
use crate::support::{TestApp, until};

pub const VERIFY: &str = "Confirm your email address";
pub const RESET: &str = "Set a new password";
const NEW: &str = "another horse battery";
const EXPIRED: &str = "This link has expired";

impl TestApp {
    /// Path of the newest link in a mail of that subject to an address, as soon as it is there.
    pub async fn link_in(&self, email: &str, subject: &str) -> String {
        let of_letter = |letter: String| {
            let letter: Value = serde_json::from_str(&letter).unwrap();
            let url = letter["action"]["url"].as_str()?.to_owned();
            (letter["subject"] == subject).then(|| url.replace(&self.url, ""))
        };
        let sql = format!(
            "SELECT letter FROM mails WHERE letter IS NOT NULL AND recipient = '{email}' ORDER BY sequence DESC"
        );
        until(&format!("{subject} to {email}"), async || {
            self.texts(&sql).await.into_iter().find_map(of_letter)
        })
        .await
    }
}

/// Follows a link to its page.
pub async fn follow(browser: &mut Browser, path: &str) -> Answer {
    let answer = browser.open(path).await;
    let (status, page) = answer.redirect();
    assert_eq!(status, 303, "{}", answer.text());
    let page = page.to_owned();
    browser.open(&page).await
}

#[tokio::test]
async fn a_link_verifies_an_address_by_its_button_and_not_by_opening() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let user = app.user("ada@example.com").await;
        let link = app.link_in("ada@example.com", VERIFY).await;

        // A program that checks mails.
        let mut scanner = app.browser();
        for _ in 0..2 {
            let page = follow(&mut scanner, &link).await.text();
            assert!(
                page.contains("Sign in to confirm this address"),
                "{engine:?}: {page}"
            );
        }
        assert_eq!(
            app.count("users WHERE email_verified_at IS NOT NULL").await,
            0,
            "{engine:?}"
        );

        let page = follow(&mut browser, &link).await;
        let text = page.text();
        assert!(
            text.contains("ada@example.com") && text.contains("Is this your address?"),
            "{text}"
        );
        let secret = link.rsplit('/').next().unwrap();
        assert!(!text.contains(secret), "{engine:?}: scripts do not see it");
        let boot = page.boot();
        let done = browser.submit("/verify", &[]).await;
        assert_eq!(done.redirect(), (303, "/settings?done=verified"), "{engine:?}");
        assert!(done.expired().contains(&"seam_verify"));
        assert!(
            browser
                .open("/settings?done=verified")
                .await
                .text()
                .contains("Your address is confirmed.")
        );

        let event = app.collector.event(&user, "Email verified").await;
        assert_eq!(
            (&event["device_id"], &event["session_id"]),
            (&boot["device"], &boot["session"])
        );
        assert_eq!(event["local"]["plan"]["status"], "valid", "{event}");

        assert!(
            follow(&mut browser, &link).await.text().contains(EXPIRED),
            "{engine:?}: once"
        );
        let again = browser.submit("/verify", &[]).await;
        assert_eq!(again.status, 422, "{engine:?}");
        assert!(again.text().contains(EXPIRED));
    }
}

#[tokio::test]
async fn the_cookie_of_a_link_is_http_only() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let link = app.link_in("ada@example.com", VERIFY).await;
    let answer = app.browser().open(&link).await;
    let cookie = answer.cookie("seam_verify");
    assert_eq!(cookie.http_only(), Some(true));
    assert_eq!(cookie.same_site(), Some(cookie::SameSite::Lax));
    assert_eq!(cookie.max_age().map(|age| age.whole_hours()), Some(1));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for junk in [
        "/verify/x",
        "/verify/%00",
        "/reset/..%2f..%2fetc",
        "/verify/%F0%9F%94%91",
    ] {
        let mut stranger = app.browser();
        let page = follow(&mut stranger, junk).await;
        assert_eq!(
            (page.status, page.text().contains(EXPIRED)),
            (200, true),
            "{junk}"
        );
    }
    // What looks without opening changes nothing.
    let prefetch = browser
        .request(Method::GET, &link)
        .header("accept", HTML)
        .header("sec-purpose", "prefetch");
    assert!(browser.send(prefetch).await.cookies.is_empty());
}

#[tokio::test]
async fn a_password_reset_ends_every_login() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut laptop = app.browser();
        laptop.sign_up("ada@example.com").await;
        let before = laptop.open("/polls").await.boot();
        let user = app.user("ada@example.com").await;

        let mut phone = app.browser();
        phone.open("/forgot").await;
        let asked = phone.submit("/forgot", &[("email", "Ada@example.com")]).await;
        assert_eq!(asked.redirect(), (303, "/forgot?done=sent"), "{engine:?}");
        assert!(
            phone
                .open("/forgot?done=sent")
                .await
                .text()
                .contains("Check your inbox")
        );
        let link = app.link_in("ada@example.com", RESET).await;
        let boot = follow(&mut phone, &link).await.boot();
        let short = phone.submit("/reset", &[("password", "short")]).await;
        assert_eq!(short.status, 422);
        assert!(
            short.text().contains("at least 10 characters"),
            "{}",
            short.text()
        );
        let done = phone.submit("/reset", &[("password", NEW)]).await;
        assert_eq!(done.redirect(), (303, "/sign-in?done=reset"), "{engine:?}");
        assert!(
            phone
                .open("/sign-in?done=reset")
                .await
                .text()
                .contains("Your new password is set.")
        );
        let event = app.collector.event(&user, "Password reset completed").await;
        assert_eq!(
            (&event["device_id"], &event["session_id"]),
            (&boot["device"], &boot["session"])
        );

        let after = laptop.open("/").await;
        assert_eq!(after.boot()["user"], Value::Null, "{engine:?}: signed out");
        assert_ne!(
            after.boot()["device"],
            before["device"],
            "{engine:?}: another person may use this browser"
        );
        assert_eq!(laptop.sign_in("ada@example.com").await.status, 422, "the old one");
        let fields = [("email", "ada@example.com"), ("password", NEW)];
        assert_eq!(
            laptop.submit("/sign-in", &fields).await.redirect(),
            (303, "/polls")
        );
    }
}

#[tokio::test]
async fn a_reset_in_a_signed_in_browser_gives_it_a_new_device() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    browser.submit("/forgot", &[("email", "ada@example.com")]).await;
    let link = app.link_in("ada@example.com", RESET).await;
    let before = follow(&mut browser, &link).await.boot();
    let done = browser.submit("/reset", &[("password", NEW)]).await;
    let expired = done.expired();
    assert!(
        expired.contains(&"seam_login") && expired.contains(&"seam_reset"),
        "{expired:?}"
    );
    assert_ne!(Some(done.device()), before["device"].as_str());
    let event = app
        .collector
        .event(&app.user("ada@example.com").await, "Password reset completed")
        .await;
    assert_eq!(event["device_id"], before["device"], "sent by the previous user");
}

#[tokio::test]
async fn unknown_and_known_addresses_get_the_same_answer() {
    let app = TestApp::start().await;
    app.browser().sign_up("ada@example.com").await;
    let mut answers = Vec::new();
    for email in ["ada@example.com", "unknown@example.com"] {
        let mut browser = app.browser();
        browser.open("/forgot").await;
        let answer = browser.submit("/forgot", &[("email", email)]).await;
        answers.push((answer.status, answer.redirect().1.to_owned(), answer.body.clone()));
    }
    assert_eq!(answers[0], answers[1]);
    until("both are settled", async || {
        let settled = app
            .count("mails WHERE kind = 'reset_password' AND settled_ms IS NOT NULL")
            .await;
        (settled == 2).then_some(())
    })
    .await;
    assert_eq!(
        app.count("mails WHERE letter IS NOT NULL AND kind = 'reset_password'")
            .await,
        1
    );
    let bad = app.browser().submit("/forgot", &[("email", "unknown")]).await;
    assert_eq!(bad.status, 422);
    assert!(bad.text().contains("value=\"unknown\""), "what was typed stays");
}

#[tokio::test]
async fn links_of_mails_respect_denied_consent() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.set_cookie("seam_consent", "denied");
    browser.sign_up("ada@example.com").await;
    let link = app.link_in("ada@example.com", VERIFY).await;
    follow(&mut browser, &link).await;
    assert_eq!(browser.submit("/verify", &[]).await.status, 303);
    browser.submit("/forgot", &[("email", "ada@example.com")]).await;
    let link = app.link_in("ada@example.com", RESET).await;
    follow(&mut browser, &link).await;
    assert_eq!(browser.submit("/reset", &[("password", NEW)]).await.status, 303);
    assert_eq!(app.count("users WHERE email_verified_at IS NOT NULL").await, 1);
    assert_eq!(app.count("outbox").await, 0);
}

#[tokio::test]
async fn the_mailbox_exists_in_local_mode_only() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    assert!(browser.open("/mailbox").await.text().contains("No mails yet"));
    browser.sign_up("ada@example.com").await;
    app.link_in("ada@example.com", VERIFY).await;
    let page = browser.open("/mailbox").await.text();
    assert!(
        page.contains(VERIFY) && page.contains("ada@example.com"),
        "{page}"
    );

    for variables in [
        vec![("SMTP_URL", "smtp://127.0.0.1:9")],
        vec![
            ("SMTP_URL", "smtp://127.0.0.1:9"),
            ("PUBLIC_URL", "https://demo.example"),
            ("TRUSTED_PROXIES", "127.0.0.1"),
            ("AMPLITUDE_API_KEY", "0123456789abcdef0123456789abcdef"),
            ("STRIPE_SECRET_KEY", "sk_test_0123456789"),
            ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789"),
        ],
    ] {
        let app = TestApp::with(Engine::Sqlite, &variables).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let answer = browser.open("/mailbox").await;
        assert_eq!(answer.status, 404, "{variables:?}");
        let text = answer.text();
        assert!(
            text.contains("Page not found") && !text.contains("Local mailbox"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_sign_up_does_not_wait_for_a_mail_server() {
    let app = TestApp::with(Engine::Sqlite, &[("SMTP_URL", "smtp://127.0.0.1:9")]).await;
    let mut browser = app.browser();
    let answer = browser.sign_up("ada@example.com").await;
    assert_eq!(answer.redirect(), (303, "/polls"));
    until("the first attempt", async || {
        let error = app
            .texts("SELECT COALESCE(last_error, '') FROM mails")
            .await
            .remove(0);
        (error == "the SMTP server was not reached").then_some(())
    })
    .await;
    assert_eq!(
        app.count("mails WHERE state = 'pending' AND attempts = 1").await,
        1
    );
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    browser.sign_out().await;
    assert_eq!(browser.submit("/sign-in", &fields).await.status, 303);
}
