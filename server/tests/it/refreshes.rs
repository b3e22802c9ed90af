//! Documents that ask for themselves again (`?refresh`): they are no activity of the user.

use db::testing::engines;
use reqwest::Method;

use crate::browser::HTML;
use crate::support::TestApp;

const PAGES: [&str; 3] = ["/billing", "/timeline", "/"];

#[tokio::test]
async fn a_refresh_creates_no_device_and_sets_no_cookie() {
    let app = TestApp::start().await;
    for page in PAGES {
        for refresh in ["?refresh", "?refresh=", "?since=5&refresh"] {
            let mut browser = app.browser();
            let answer = browser.open(&format!("{page}{refresh}")).await;
            assert!(answer.status < 400, "{page}{refresh}: {}", answer.status);
            assert!(answer.cookies.is_empty(), "{page}{refresh}: {:?}", answer.cookies);
            if answer.status == 200 {
                assert_eq!(
                    answer.boot()["device"],
                    serde_json::Value::Null,
                    "{page}{refresh}"
                );
            }
        }
        let opened = app.browser().open(page).await;
        let device = opened.device();
        assert!(!device.is_empty(), "{page}: opened, it creates a device");
    }
}

#[tokio::test]
async fn a_refresh_does_not_extend_the_session_or_the_login() {
    const MINUTE: i64 = 60_000;
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        let boot = browser.open("/").await.boot();
        let (now, device) = (boot["now"].as_i64().unwrap(), boot["device"].clone());
        // Ten minutes ago: a document extends this session, and a refresh must not.
        let session = now - 10 * MINUTE;
        let own = format!("{session}.{session}");
        browser.set_cookie("seam_session", own.as_str());
        let yesterday = now - 24 * 60 * MINUTE;
        app.execute(&format!("UPDATE logins SET last_seen_at = {yesterday}"))
            .await;
        for page in PAGES {
            let answer = browser.open(&format!("{page}?refresh")).await;
            assert_eq!(
                (answer.status, answer.cookies.len()),
                (200, 0),
                "{engine:?} {page}"
            );
            assert_eq!(
                answer.boot()["session"],
                session,
                "{engine:?} {page}: it is in the session"
            );
            assert_eq!(answer.boot()["device"], device, "{engine:?} {page}");
        }
        assert_eq!(browser.cookie("seam_session").as_ref(), Some(&own), "{engine:?}");
        let seen = app.number("SELECT last_seen_at FROM logins").await;
        assert_eq!(seen, yesterday, "{engine:?}");

        for page in PAGES {
            browser.set_cookie("seam_session", own.as_str());
            let answer = browser.open(page).await;
            let (begun, last) = answer.cookie("seam_session").value().split_once('.').unwrap();
            assert_eq!(begun, session.to_string(), "{engine:?} {page}: the same session");
            assert!(
                last.parse::<i64>().unwrap() >= now,
                "{engine:?} {page}: opened, it extends the session"
            );
        }
        let seen = app.number("SELECT last_seen_at FROM logins").await;
        assert!(seen >= now, "{engine:?}: {seen}");
    }
}

#[tokio::test]
async fn a_refresh_confirms_no_event() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let poll = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    browser.submit("/polls/new", &poll).await;
    let confirmed = async |browser: &mut crate::browser::Browser, path: &str| {
        let answer = browser.open(path).await;
        answer.boot()["confirmed"].as_array().unwrap().len()
    };
    assert_eq!(confirmed(&mut browser, "/polls?refresh").await, 0);
    assert_eq!(
        confirmed(&mut browser, "/polls").await,
        1,
        "the next document fires it"
    );
}

#[tokio::test]
async fn a_refresh_is_said_by_the_request_and_not_by_a_form() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    // A post stays a post.
    let fields = [
        ("email", "ada@example.com"),
        ("password", crate::browser::PASSWORD),
    ];
    let answer = browser.submit("/sign-up?refresh", &fields).await;
    assert_eq!(answer.redirect(), (303, "/sign-in?next=/polls&signed-in"));
    assert!(!answer.cookie("seam_login").value().is_empty());
    let head = browser.request(Method::HEAD, "/?refresh").header("accept", HTML);
    assert!(browser.send(head).await.cookies.is_empty());
}
