//! The settings, as a browser without script uses them.

use db::testing::engines;
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD};
use crate::mails::VERIFY;
use crate::support::{TestApp, until};

const NEW: &str = "another horse battery";
const WRONG: &str = "This is not your password.";

async fn signed_up(app: &TestApp) -> Browser {
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    browser
}

#[tokio::test]
async fn signed_out_visitors_have_no_settings() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for (path, next) in [
        ("/settings", "/sign-in?next=/settings"),
        ("/settings/email", "/sign-in?next=/settings/email"),
        ("/settings/password", "/sign-in?next=/settings/password"),
        ("/settings/delete", "/sign-in?next=/settings/delete"),
    ] {
        assert_eq!(browser.open(path).await.redirect(), (302, next), "{path}");
    }
    assert_eq!(
        browser.open("/settings/data").await.redirect(),
        (303, "/sign-in?next=/settings")
    );
    for (path, fields) in [
        (
            "/settings/email",
            vec![("email", "ada@example.com"), ("current_password", PASSWORD)],
        ),
        (
            "/settings/password",
            vec![("current_password", PASSWORD), ("password", NEW)],
        ),
        ("/settings/delete", vec![("current_password", PASSWORD)]),
    ] {
        let answer = browser.submit(path, &fields).await;
        assert_eq!(answer.status, 422, "{path}");
        assert!(
            answer.text().contains("You are signed out."),
            "{path}: {}",
            answer.text()
        );
        assert!(!answer.text().contains(PASSWORD), "{path}");
    }
    for path in ["/settings/verification", "/settings/logins"] {
        let answer = browser.submit(path, &[]).await;
        assert!([302, 422].contains(&answer.status), "{path}: {}", answer.status);
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn a_password_is_changed_and_the_other_browsers_are_signed_out() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut laptop = signed_up(&app).await;
        let mut phone = app.browser();
        phone.open("/").await;
        phone.sign_in("ada@example.com").await;
        let before = phone.open("/polls").await.boot();
        for (fields, fault) in [
            (vec![("current_password", "not it"), ("password", NEW)], WRONG),
            (
                vec![("current_password", PASSWORD), ("password", "short")],
                "at least 10 characters",
            ),
            (vec![], "Please fill this in."),
        ] {
            let answer = laptop.submit("/settings/password", &fields).await;
            assert_eq!(answer.status, 422);
            assert!(
                answer.text().contains(fault),
                "{engine:?}: {fault} in {}",
                answer.text()
            );
            assert!(!answer.text().contains(NEW) && !answer.text().contains(PASSWORD));
        }
        let fields = [("current_password", PASSWORD), ("password", NEW)];
        let done = laptop.submit("/settings/password", &fields).await;
        assert_eq!(done.redirect(), (303, "/settings?done=password"), "{engine:?}");
        assert!(
            laptop.signed_in_as().await.is_some(),
            "{engine:?}: this one stays"
        );
        let after = phone.open("/").await.boot();
        assert_eq!(after["user"], Value::Null, "{engine:?}");
        assert_ne!(after["device"], before["device"], "{engine:?}");
    }
}

#[tokio::test]
async fn logins_are_listed_and_ended() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut laptop = app.browser();
        laptop.set_header("user-agent", "Mozilla/5.0 (X11; Linux) Firefox/140.0");
        laptop.sign_up("ada@example.com").await;
        let mut phone = app.browser();
        phone.set_header("user-agent", "Mozilla/5.0 (iPhone) <b>Safari/604</b>");
        phone.sign_in("ada@example.com").await;
        let page = laptop.open("/settings").await.text();
        for words in [
            "Firefox on Linux",
            "Safari on an iPhone",
            "this browser",
            "Sign out everywhere else",
        ] {
            assert!(page.contains(words), "{engine:?}: {words} in {page}");
        }
        let [id] = &app
            .texts("SELECT id FROM logins WHERE user_agent LIKE '%iPhone%'")
            .await[..]
        else {
            panic!("one phone")
        };
        for junk in ["", "x", "00000000-0000-0000-0000-000000000000"] {
            assert_eq!(
                laptop.submit("/settings/logins", &[("login", junk)]).await.status,
                303
            );
            assert_eq!(
                app.count("logins WHERE ended_at IS NULL").await,
                2,
                "{engine:?}: {junk}"
            );
        }
        let ended = laptop.submit("/settings/logins", &[("login", id)]).await;
        assert_eq!(ended.redirect(), (303, "/settings?done=ended"));
        assert_eq!(phone.signed_in_as().await, None, "{engine:?}");
        phone.sign_in("ada@example.com").await;
        assert_eq!(
            laptop
                .submit("/settings/logins", &[("login", "others")])
                .await
                .status,
            303
        );
        assert_eq!(phone.signed_in_as().await, None, "{engine:?}: everywhere else");
        assert!(laptop.signed_in_as().await.is_some());
        assert_eq!(app.count("logins WHERE ended_by = 'revoked'").await, 2);
    }
}

#[tokio::test]
async fn an_address_is_changed_by_the_link_sent_to_it() {
    let app = TestApp::start().await;
    app.browser().sign_up("bob@example.com").await;
    let mut browser = signed_up(&app).await;
    let mut ask = async |email: &str, current: &str| {
        browser
            .submit(
                "/settings/email",
                &[("email", email), ("current_password", current)],
            )
            .await
    };
    let wrong = ask("new@example.com", "not it").await;
    assert!(wrong.text().contains(WRONG) && wrong.text().contains("value=\"new@example.com\""));
    assert!(
        ask("ADA@example.com", PASSWORD)
            .await
            .text()
            .contains("This is your address already.")
    );
    let taken = ask("bob@example.com", PASSWORD).await;
    let free = ask("new@example.com", PASSWORD).await;
    assert_eq!(taken.redirect(), (303, "/settings?done=email"));
    assert_eq!(
        (taken.redirect(), &taken.body),
        (free.redirect(), &free.body),
        "the answer does not reveal which"
    );

    let link = app
        .link_in("new@example.com", "Confirm your new email address")
        .await;
    let mut phone = app.browser();
    phone.open(&link).await;
    let page = phone.open("/verify").await.text();
    assert!(page.contains("Sign in to confirm this address"), "{page}");
    phone.sign_in("ada@example.com").await;
    assert!(phone.open("/verify").await.text().contains("Use this address"));
    assert_eq!(
        phone.submit("/verify", &[]).await.redirect(),
        (303, "/settings?done=verified")
    );
    let page = browser.open("/settings").await.text();
    assert!(
        page.contains("new@example.com") && page.contains("confirmed"),
        "{page}"
    );
    phone.sign_out().await;
    assert_eq!(phone.sign_in("new@example.com").await.status, 303);
}

#[tokio::test]
async fn a_verification_link_is_resent_up_to_a_limit() {
    let app = TestApp::start().await;
    let mut browser = signed_up(&app).await;
    let first = app.link_in("ada@example.com", VERIFY).await;
    for _ in 0..5 {
        let sent = browser.submit("/settings/verification", &[]).await;
        assert_eq!(sent.redirect(), (303, "/settings?done=mail"));
    }
    let refused = browser.submit("/settings/verification", &[]).await;
    assert_eq!(refused.status, 429);
    let text = refused.text();
    assert!(
        text.contains("Too many attempts") && text.contains("Change password"),
        "{text}"
    );
    until("another link", async || {
        (app.link_in("ada@example.com", VERIFY).await != first).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_own_data_is_a_download() {
    let app = TestApp::start().await;
    let mut browser = signed_up(&app).await;
    let fields = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    browser.submit("/polls/new", &fields).await;
    let file = browser.open("/settings/data").await;
    assert_eq!(
        file.header("content-disposition"),
        Some("attachment; filename=\"seamline.json\"")
    );
    assert_eq!(file.header("content-type"), Some("application/json"));
    let data = file.json();
    assert_eq!(data["account"]["email"], "ada@example.com");
    assert_eq!(data["polls"][0]["options"], json!(["Soup", "Salad"]));
    assert_eq!(data["logins"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_is_deleted_also_at_amplitude() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = signed_up(&app).await;
        let before = browser.open("/polls").await.boot();
        let user = app.user("ada@example.com").await;
        app.collector.event(&user, "Sign-up completed").await;
        until("the row is settled", async || {
            (app.count("outbox WHERE state = 'sent'").await == 1).then_some(())
        })
        .await;
        let wrong = browser
            .submit("/settings/delete", &[("current_password", "not it")])
            .await;
        assert!(wrong.status == 422 && wrong.text().contains(WRONG), "{engine:?}");

        let done = browser
            .submit("/settings/delete", &[("current_password", PASSWORD)])
            .await;
        assert_eq!(done.redirect(), (303, "/goodbye"), "{engine:?}");
        assert!(done.expired().contains(&"seam_login"));
        assert_ne!(Some(done.device()), before["device"].as_str());
        let page = browser.open("/goodbye").await;
        assert!(page.text().contains("Your account is closed"));
        assert_eq!(page.boot()["user"], Value::Null);
        assert_eq!(browser.sign_in("ada@example.com").await.status, 422, "{engine:?}");

        until("everything is done", async || {
            (app.count("account_deletions WHERE step = 'done'").await == 1).then_some(())
        })
        .await;
        assert_eq!(
            app.collector.events_of(&user).await,
            [Value::Null; 0],
            "{engine:?}"
        );
        for table in ["users", "logins", "mail_tokens"] {
            assert_eq!(app.count(table).await, 0, "{engine:?}: {table}");
        }
        // A late event of the browser that was hers is no longer taken under her name.
        let late = json!({"api_key": app.public_key, "events": [
            {"event_type": "Poll restored", "user_id": user, "device_id": before["device"], "insert_id": "late"},
        ]});
        assert_eq!(browser.ingest(&late).await.status, 400, "{engine:?}");
        assert_eq!(
            browser.sign_up("ada@example.com").await.redirect(),
            (303, "/polls"),
            "the address is free"
        );
    }
}
