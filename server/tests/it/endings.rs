//! Logins that ended while the browser still has their cookie: the next user of the browser is another person.

use db::testing::engines;
use reqwest::Method;
use serde_json::Value;

use crate::browser::{Answer, Browser, HTML, sdk_cookie_name};
use crate::support::TestApp;

/// A browser that is signed in, with the SDK's cookie, and its boot data.
async fn signed_in(app: &TestApp) -> (Browser, Value) {
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let boot = browser.open("/polls").await.boot();
    let (device, now) = (boot["device"].as_str().unwrap(), boot["now"].as_i64().unwrap());
    browser.set_sdk_cookie(&app.public_key, device, boot["session"].as_i64().unwrap(), now);
    (browser, boot)
}

/// Asserts that the answer made the browser a new one.
fn assert_turned(app: &TestApp, browser: &Browser, answer: &Answer, before: &Value) {
    let expired = answer.expired();
    for name in ["seam_login", &sdk_cookie_name(&app.public_key)] {
        assert!(expired.contains(&name), "{name} not in {expired:?}");
    }
    let device = answer.device().to_owned();
    assert_ne!(Some(device.as_str()), before["device"].as_str());
    assert_eq!(browser.device(), Some(device));
    let session = answer.cookie("seam_session").value();
    assert!(!session.starts_with(&before["session"].to_string()), "{session}");
}

#[tokio::test]
async fn signed_out_in_another_tab() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let (mut tab, before) = signed_in(&app).await;
        let mut other = tab.clone();
        let left = other.sign_out().await;
        let [login] = &app.texts("SELECT id FROM logins").await[..] else {
            panic!("one login")
        };

        let answer = tab.open("/polls").await;
        assert_eq!(answer.redirect(), (302, "/sign-in?next=/polls"), "{engine:?}");
        assert_turned(&app, &tab, &answer, &before);
        // The store no longer knows where the cookie led, and the other tab has the login's ID.
        assert_eq!(left.previous_logins(), [login]);

        let next = tab.open("/").await.boot();
        assert_eq!(next["device"].as_str(), tab.device().as_deref());
        assert_eq!(next["user"], Value::Null);
    }
}

#[tokio::test]
async fn a_login_that_was_ended_on_the_server() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let (mut browser, before) = signed_in(&app).await;
        app.execute("UPDATE logins SET ended_at = created_at + 1, ended_by = 'revoked'")
            .await;
        let [login] = &app.texts("SELECT id FROM logins").await[..] else {
            panic!("one login")
        };

        // Quiet requests change nothing, and keep nothing from the document that comes after them.
        for (method, path, name, value) in [
            (Method::HEAD, "/", "accept", HTML),
            (Method::GET, "/", "sec-purpose", "prefetch"),
            (Method::GET, "/timeline/live", "accept", "text/event-stream"),
        ] {
            let answer = browser
                .send(browser.request(method, path).header(name, value))
                .await;
            assert!(
                answer.cookies.is_empty(),
                "{engine:?} {path}: {:?}",
                answer.cookies
            );
        }
        let answer = browser.open("/").await;
        assert_eq!(answer.boot()["user"], Value::Null);
        assert_turned(&app, &browser, &answer, &before);
        assert_eq!(answer.previous_logins(), [login]);
        let lasting =
            "SELECT id_hash FROM login_cookies WHERE expires_at > (SELECT created_at FROM logins) + 3600000";
        assert_eq!(app.texts(lasting).await, [""; 0], "a minute is left, not a month");
    }
}

#[tokio::test]
async fn a_cookie_that_expired_in_the_store() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let (mut browser, before) = signed_in(&app).await;
        app.execute("UPDATE login_cookies SET expires_at = 1").await;

        let prefetch = browser
            .request(Method::GET, "/")
            .header("sec-purpose", "prefetch");
        let answer = browser.send(prefetch).await;
        assert!(answer.cookies.is_empty(), "{engine:?}: {:?}", answer.cookies);

        let answer = browser.open("/").await;
        assert_eq!(answer.boot()["user"], Value::Null);
        assert_turned(&app, &browser, &answer, &before);
        assert_eq!(browser.cookie("seam_previous"), None, "the owner is unknown");
    }
}

#[tokio::test]
async fn a_post_under_an_ended_login_counts_as_signed_out() {
    let app = TestApp::start().await;
    let (mut browser, before) = signed_in(&app).await;
    app.execute("UPDATE logins SET ended_at = created_at + 1, ended_by = 'revoked'")
        .await;
    let fields = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    let answer = browser.submit("/polls/new", &fields).await;
    let text = answer.text();
    assert_eq!(answer.status, 422, "{text}");
    for said in ["You are signed out.", "value=\"Lunch?\""] {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert_turned(&app, &browser, &answer, &before);
    assert_eq!(app.count("polls").await, 0);
}

#[tokio::test]
async fn signing_in_over_an_ended_login() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let (mut browser, before) = signed_in(&app).await;
        app.execute("UPDATE logins SET ended_at = created_at + 1, ended_by = 'revoked'")
            .await;

        let answer = browser.sign_in("ada@example.com").await;
        assert_eq!(answer.redirect(), (303, "/polls"), "{engine:?}");
        let user = app.user("ada@example.com").await;
        let event = app.collector.event(&user, "Sign-in completed").await;
        assert_eq!(
            event["event_properties"]["stitched_by"], "none known",
            "this device is not proven yet"
        );

        let after = browser.open("/polls").await;
        assert_eq!(after.status, 200);
        assert_eq!(after.boot()["user"].as_str(), Some(user.as_str()));
        assert_ne!(after.boot()["device"], before["device"]);
    }
}

#[tokio::test]
async fn an_unknown_login_cookie() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.open("/").await;
    for value in ["AAAAAAAAAAAAAAAAAAAAAA", "x", "", "../../../../etc/passwd"] {
        browser.set_cookie("seam_login", value);
        let answer = browser.open("/").await;
        assert_eq!(answer.status, 200, "{value}");
        assert_eq!(answer.boot()["user"], Value::Null, "{value}");
        assert!(answer.expired().contains(&"seam_login"), "{value}");
    }
    app.assert_untouched().await;
}
