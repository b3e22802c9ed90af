//! Item 5: stolen cookies, the lifetime of a login, and cookies that another host of the domain plants.

use db::Engine;
use db::testing::engines;

use crate::browser::{Answer, PASSWORD};
use crate::mails::{RESET, VERIFY, follow};
use crate::support::TestApp;

const NEW: &str = "another horse battery";
const DAY_MS: i64 = 24 * 3_600_000;

#[tokio::test]
async fn a_stolen_cookie_is_worthless_after_a_password_change() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let mut thief = ada.clone();
        assert!(thief.signed_in_as().await.is_some());
        let before = ada.open("/polls").await.boot();
        let fields = [("current_password", PASSWORD), ("password", NEW)];
        let answer = ada.submit("/settings/password", &fields).await;
        assert_eq!(answer.redirect(), (303, "/settings?done=password"), "{engine:?}");
        assert_ne!(ada.cookie("seam_login"), thief.cookie("seam_login"), "{engine:?}");
        let after = ada.open("/polls").await.boot();
        assert_eq!(
            (&after["user"], &after["device"], &after["session"]),
            (&before["user"], &before["device"], &before["session"]),
            "{engine:?}: the same user in the same session"
        );
        assert_eq!(thief.signed_in_as().await, None, "{engine:?}");
        assert_eq!(app.count("logins WHERE ended_at IS NULL").await, 1, "{engine:?}");
        // A password change writes no event of a sign-in or sign-out.
        assert_eq!(app.count("outbox").await, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_stolen_cookie_is_worthless_after_a_reset_and_after_a_confirmed_address() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let mut thief = ada.clone();
        let link = app.link_in("ada@example.com", VERIFY).await;
        follow(&mut ada, &link).await;
        assert_eq!(ada.submit("/verify", &[]).await.status, 303);
        assert!(ada.signed_in_as().await.is_some(), "{engine:?}");
        assert_eq!(thief.signed_in_as().await, None, "{engine:?}: confirmed");

        let mut thief = ada.clone();
        let mut phone = app.browser();
        phone.submit("/forgot", &[("email", "ada@example.com")]).await;
        let link = app.link_in("ada@example.com", RESET).await;
        follow(&mut phone, &link).await;
        assert_eq!(phone.submit("/reset", &[("password", NEW)]).await.status, 303);
        assert_eq!(thief.signed_in_as().await, None, "{engine:?}: reset");
        assert_eq!(ada.signed_in_as().await, None, "{engine:?}: every browser");
    }
}

#[tokio::test]
async fn a_login_ends_after_90_days_of_use() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let age = |ms: i64| format!("UPDATE logins SET created_at = created_at - {ms}");
        app.execute(&age(90 * DAY_MS - 60_000)).await;
        assert!(ada.signed_in_as().await.is_some(), "{engine:?}: a minute is left");
        let page = ada.open("/settings").await.text();
        assert!(
            page.contains("Signed in 89 days ago, last used just now, ends on "),
            "{engine:?}: {page}"
        );
        app.execute(&age(60_000)).await;
        assert_eq!(ada.signed_in_as().await, None, "{engine:?}");
        assert_eq!(
            app.count("logins WHERE ended_at IS NOT NULL").await,
            0,
            "no clean-up has run"
        );
    }
}

/// The cookies of ours in an answer that lack the prefix.
fn unprefixed(answer: &Answer) -> Vec<&str> {
    let names = answer.cookies.iter().map(cookie::Cookie::name);
    names
        .filter(|name| !name.starts_with("__Host-") && !name.starts_with("AMP_"))
        .collect()
}

#[tokio::test]
async fn on_https_every_cookie_is_bound_to_the_host() {
    let variables = [
        ("PUBLIC_URL", "https://demo.example"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("CONSENT_DEFAULT", "granted"),
        ("AMPLITUDE_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("STRIPE_SECRET_KEY", "sk_test_0123456789"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789"),
        // No server listens there: mails wait.
        ("SMTP_URL", "smtp://127.0.0.1:9"),
    ];
    let app = TestApp::with(Engine::Sqlite, &variables).await;
    let mut browser = app.browser();
    let secret = "0f".repeat(32);
    let poll = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    let answers = [
        browser.open("/").await,
        browser.open("/p/00000000-0000-7000-8000-000000000000").await,
        browser.open(&format!("/verify/{secret}")).await,
        browser.open(&format!("/reset/{secret}")).await,
        browser.sign_up("ada@example.com").await,
        browser.submit("/polls/new", &poll).await,
        browser.submit("/privacy", &[("choice", "granted")]).await,
    ];
    for answer in &answers {
        assert_eq!(unprefixed(answer), [""; 0], "{answer:?}");
        for cookie in answer
            .cookies
            .iter()
            .filter(|cookie| cookie.name().starts_with("__Host-"))
        {
            let bound = (cookie.secure(), cookie.path(), cookie.domain());
            assert_eq!(bound, (Some(true), Some("/"), None), "{cookie}");
        }
    }
    for name in ["device", "session", "login", "verify", "reset", "consent"] {
        let name = format!("__Host-seam_{name}");
        assert!(browser.cookie(&name).is_some(), "{name}");
    }
    let set = answers.iter().flat_map(|answer| &answer.cookies);
    let confirmed = set.filter(|cookie| cookie.name().starts_with("__Host-seam_confirmed."));
    assert_eq!(confirmed.count(), 1);

    // Another host of the domain can plant cookies without the prefix. They are not read.
    let mut planted = app.browser();
    for name in ["login", "device"] {
        let value = browser.cookie(&format!("__Host-seam_{name}")).unwrap();
        planted.set_cookie(&format!("seam_{name}"), value);
    }
    let boot = planted.open("/").await.boot();
    assert!(boot["user"].is_null(), "{boot}");
    assert_ne!(
        boot["device"].as_str(),
        browser.cookie("__Host-seam_device").as_deref()
    );
    let signed_out = browser.sign_out().await;
    assert_eq!(unprefixed(&signed_out), [""; 0], "{signed_out:?}");
    assert!(signed_out.expired().contains(&"__Host-seam_login"));
}
