//! Sign-up, sign-in and sign-out, as a browser without script does them, and what arrives of them.

use db::testing::engines;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracking::received::ReceivedEvent;

use crate::browser::{PASSWORD, sdk_cookie_name};
use crate::support::TestApp;

#[tokio::test]
async fn a_sign_up_signs_in_and_keeps_device_and_session() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        let landing = browser.open("/").await.boot();
        let answer = browser.sign_up("Ada@Example.com").await;
        assert_eq!(answer.redirect(), (303, "/polls"), "{engine:?}");

        let user = app.user("ada@example.com").await;
        assert_eq!(browser.signed_in_as().await, Some(user.clone()));
        let event = app.collector.event(&user, "Sign-up completed").await;
        assert_eq!(event["device_id"], landing["device"]);
        assert_eq!(event["session_id"], landing["session"]);
        assert_eq!(event["$insert_id"], json!(format!("sign-up:{user}")));
        assert_eq!(event["event_properties"]["stitched_by"], "server session");
        assert_eq!(event["local"]["plan"]["status"], "valid", "{event}");
        assert_eq!(event["user_properties"]["customer_id"], json!(user));
        assert_eq!(event["user_properties"]["email_domain"], "example.com");
        assert!(
            !event.to_string().to_lowercase().contains("ada@"),
            "the address stays here: {event}"
        );
    }
}

#[tokio::test]
async fn the_login_cookie_is_http_only_and_stored_as_a_hash() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        let answer = browser.sign_up("ada@example.com").await;
        let cookie = answer.cookie("seam_login");
        assert_eq!(cookie.http_only(), Some(true));
        assert_eq!(cookie.same_site(), Some(cookie::SameSite::Lax));
        assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
        assert_eq!(cookie.max_age().map(|age| age.whole_days()), Some(30));
        assert_ne!(cookie.secure(), Some(true), "the site is on http");

        let value = cookie.value();
        let hash = backend::hex::encode(&Sha256::digest(value));
        assert_eq!(app.texts("SELECT id_hash FROM login_cookies").await, [hash]);
        let [data] = &app.texts("SELECT data FROM login_cookies").await[..] else {
            panic!("one cookie")
        };
        assert!(!data.contains(value), "{data}");
        let [password] = &app.texts("SELECT password_hash FROM users").await[..] else {
            panic!("one user")
        };
        assert!(
            password.starts_with("$argon2id$") && !password.contains(PASSWORD),
            "{password}"
        );
    }
}

#[tokio::test]
async fn without_a_device_cookie_no_device_is_guessed() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let answer = browser.submit("/sign-up", &fields).await;
    assert_eq!(answer.redirect(), (303, "/sign-in?next=/polls&signed-in"));
    let set: Vec<&str> = answer.cookies.iter().map(cookie::Cookie::name).collect();
    assert_eq!(set, ["seam_known", "seam_login"], "a form creates no device");

    let user = app.user("ada@example.com").await;
    let event = app.collector.event(&user, "Sign-up completed").await;
    assert_eq!(event["event_properties"]["stitched_by"], "none known");
    assert_eq!(event["session_id"], -1);
    assert_eq!(event["local"]["derived_device"], true);
}

#[tokio::test]
async fn the_later_session_of_sdk_and_server_counts() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let boot = browser.open("/").await.boot();
    let (device, now) = (boot["device"].as_str().unwrap(), boot["now"].as_i64().unwrap());
    let session = now - 60_000;
    browser.set_sdk_cookie(&app.public_key, device, session, now + 60_000);
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    browser.submit("/sign-up", &fields).await;

    let event = app
        .collector
        .event(&app.user("ada@example.com").await, "Sign-up completed")
        .await;
    assert_eq!(
        (&event["device_id"], &event["session_id"]),
        (&json!(device), &json!(session))
    );
    assert_eq!(event["event_properties"]["stitched_by"], "sdk cookie");
}

#[tokio::test]
async fn signing_out_gives_the_browser_a_new_device() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let before = browser.open("/polls").await.boot();
        let user = app.user("ada@example.com").await;
        let [login] = &app.texts("SELECT id FROM logins").await[..] else {
            panic!("one login")
        };
        let old_cookie = browser.cookie("seam_login").unwrap();

        let answer = browser.sign_out().await;
        assert_eq!(answer.redirect(), (303, "/"), "{engine:?}");
        let expired = answer.expired();
        let campaign = format!("AMP_MKTG_{}", &app.public_key[..10]);
        for name in ["seam_login", &sdk_cookie_name(&app.public_key), &campaign] {
            assert!(expired.contains(&name), "{name} not in {expired:?}");
        }
        assert_eq!(answer.previous_logins(), [login]);
        assert_eq!(app.texts("SELECT ended_by FROM logins").await, ["sign_out"]);
        let lasting =
            "SELECT id_hash FROM login_cookies WHERE expires_at > (SELECT created_at FROM logins) + 3600000";
        assert_eq!(app.texts(lasting).await, [""; 0], "a minute is left, not a month");

        let after = browser.open("/").await.boot();
        assert_eq!(after["user"], Value::Null);
        assert_ne!(after["device"], before["device"]);
        assert_ne!(after["session"], before["session"]);
        let mut thief = app.browser();
        thief.set_cookie("seam_login", old_cookie);
        assert_eq!(thief.signed_in_as().await, None);

        let event = app.collector.event(&user, "Sign-out completed").await;
        assert_eq!(
            (&event["device_id"], &event["session_id"]),
            (&before["device"], &before["session"])
        );
        assert_eq!(event["user_properties"]["is_logged_in"], false);
        // The next session begins later than this event.
        let signed_out = ReceivedEvent::from_export(event).unwrap();
        assert!(
            after["session"].as_i64() >= Some(signed_out.time_ms),
            "{engine:?}"
        );

        assert_eq!(
            browser.sign_in("ada@example.com").await.redirect(),
            (303, "/polls")
        );
        let event = app.collector.event(&user, "Sign-in completed").await;
        assert_eq!(
            (&event["device_id"], &event["session_id"]),
            (&after["device"], &after["session"])
        );
        let events = app.collector.events_of(&user).await;
        let names: Vec<&str> = events
            .iter()
            .map(|event| event["event_type"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["Sign-up completed", "Sign-out completed", "Sign-in completed"]
        );
    }
}

#[tokio::test]
async fn only_the_last_ended_login_unsets_the_login_state() {
    let app = TestApp::start().await;
    let (mut laptop, mut phone) = (app.browser(), app.browser());
    laptop.sign_up("ada@example.com").await;
    phone.open("/sign-in").await;
    phone.sign_in("ada@example.com").await;
    let user = app.user("ada@example.com").await;

    phone.sign_out().await;
    let event = app.collector.event(&user, "Sign-out completed").await;
    assert_ne!(event["user_properties"]["is_logged_in"], false);
    assert_eq!(laptop.signed_in_as().await, Some(user));
}

#[tokio::test]
async fn signing_out_twice_changes_nothing() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let before = browser.open("/").await.boot();
    assert_eq!(browser.sign_out().await.redirect(), (303, "/"));
    assert_eq!(browser.open("/").await.boot()["device"], before["device"]);
    app.assert_untouched().await;
}

#[tokio::test]
async fn a_sign_in_replaces_the_login_cookie() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let planted = browser.cookie("seam_login").unwrap();
        browser.sign_out().await;
        browser.sign_in("ada@example.com").await;
        assert_ne!(browser.cookie("seam_login").unwrap(), planted);

        let mut other = app.browser();
        other.set_cookie("seam_login", planted);
        assert_eq!(other.signed_in_as().await, None, "{engine:?}");
        assert!(browser.signed_in_as().await.is_some());
    }
}

#[tokio::test]
async fn signing_in_over_another_login_is_refused() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    app.browser().sign_up("bob@example.com").await;
    browser.sign_up("ada@example.com").await;
    let ada = app.user("ada@example.com").await;
    for path in ["/sign-in", "/sign-up"] {
        assert_eq!(browser.open(path).await.redirect(), (302, "/polls"));
        let fields = [("email", "bob@example.com"), ("password", PASSWORD)];
        let answer = browser.submit(path, &fields).await;
        assert_eq!(answer.status, 422);
        assert!(
            answer.text().contains("Please sign out first"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(browser.signed_in_as().await, Some(ada));
}

#[tokio::test]
async fn sign_in_leads_to_the_requested_page() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    for (next, expected) in [
        ("/timeline%3Ffind%3Dme", "/timeline?find=me"),
        ("https://evil.example/", "/polls"),
        ("//evil.example", "/polls"),
        ("/%5Cevil.example", "/polls"),
        ("/%0d%0aSet-Cookie:x=y", "/polls"),
    ] {
        browser.sign_out().await;
        let answer = browser.submit(&format!("/sign-in?next={next}"), &fields).await;
        assert_eq!(answer.redirect(), (303, expected), "{next}");
        assert!(answer.cookies.iter().all(|cookie| cookie.name() != "x"), "{next}");
    }
}

#[tokio::test]
async fn pages_of_an_account_lead_to_the_sign_in() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for path in ["/polls", "/polls/new"] {
        let answer = browser.open(path).await;
        assert_eq!(answer.redirect(), (302, format!("/sign-in?next={path}").as_str()));
    }
    browser.sign_up("ada@example.com").await;
    assert_eq!(browser.open("/polls").await.status, 200);
}

#[tokio::test]
async fn the_client_address_is_forwarded_behind_a_trusted_proxy() {
    let app = TestApp::with(db::Engine::Sqlite, &[("TRACK_EMAIL", "true")]).await;
    app.browser().sign_up("Ada@Example.com").await;
    let event = app
        .collector
        .event(&app.user("ada@example.com").await, "Sign-up completed")
        .await;
    assert_eq!(event["user_properties"]["email"], "Ada@Example.com");
}
