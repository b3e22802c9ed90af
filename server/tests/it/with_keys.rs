//! A site of one's own, on https and with a project's keys: what is open on one's own machine is closed here.

use crate::browser::Browser;
use crate::support::TestApp;

async fn site() -> TestApp {
    TestApp::with_keys(&[("AMPLITUDE_SECRET_KEY", "fedcba9876543210fedcba9876543210")]).await
}

/// A browser that agreed to tracking and signed up, and its user. The event has arrived.
async fn customer(app: &TestApp, email: &str) -> (Browser, String) {
    let mut browser = app.browser();
    browser.set_cookie("__Host-seam_consent", "granted");
    browser.sign_up(email).await;
    let user = app.user(email).await;
    app.collector.event(&user, "Sign-up completed").await;
    (browser, user)
}

#[tokio::test]
async fn with_real_keys_tracking_needs_consent_and_cookies_are_secure() {
    let app = site().await;
    let mut browser = app.browser();
    let answer = browser.open("/").await;
    assert!(answer.cookies.is_empty(), "{:?}", answer.cookies);
    assert_eq!(answer.boot()["tracking"], false);
    assert_eq!(
        answer.header("strict-transport-security"),
        Some("max-age=31536000")
    );
    assert!(
        !answer.text().contains(&app.api_key),
        "the page has a key of our own"
    );

    browser.set_cookie("__Host-seam_consent", "granted");
    let page = browser.open("/").await;
    let sign_up = browser.sign_up("ada@example.com").await;
    let set: Vec<_> = page.cookies.iter().chain(&sign_up.cookies).collect();
    for name in ["__Host-seam_device", "__Host-seam_session", "__Host-seam_login"] {
        let found = set.iter().find(|cookie| cookie.name() == name);
        assert_eq!(
            found.and_then(|cookie| cookie.secure()),
            Some(true),
            "{name} in {set:?}"
        );
    }
    app.collector
        .event(&app.user("ada@example.com").await, "Sign-up completed")
        .await;
}

#[tokio::test]
async fn a_visitor_reads_only_the_own_timeline() {
    const NOT_YOURS: &str = "You can read the timeline of your own account and device only.";
    let app = site().await;
    let (mut ada, user) = customer(&app, "ada@example.com").await;
    let (mut bob, _) = customer(&app, "bob@example.com").await;
    let device = ada.device().unwrap();
    let stolen = ada.cookie("__Host-seam_device").unwrap();
    app.pay(&user).await;
    let own = ada.open("/timeline").await.text();
    assert!(own.contains("Sign-up completed") && own.contains("Revenue and ledger"));

    for find in [&user, &device] {
        let text = bob.open(&format!("/timeline?find={find}")).await.text();
        assert!(
            text.contains(NOT_YOURS) && !text.contains("Sign-up completed"),
            "{find}: {text}"
        );
    }
    let mut thief = app.browser();
    thief.set_cookie("__Host-seam_consent", "granted");
    thief.set_cookie("__Host-seam_device", stolen);
    for path in ["/timeline".to_owned(), format!("/timeline?find={device}")] {
        let text = thief.open(&path).await.text();
        for secret in ["Sign-up completed", "Revenue and ledger", &user] {
            assert!(!text.contains(secret), "{path}: {secret} in {text}");
        }
    }
}

#[tokio::test]
async fn a_payment_after_the_events_were_read_does_not_break_the_verdict() {
    let app = site().await;
    let (mut ada, user) = customer(&app, "ada@example.com").await;
    assert!(ada.open("/timeline").await.text().contains("data-clean=\"true\""));

    // Its event may have been delivered since, but the events are those of a minute ago.
    app.pay(&user).await;
    let page = ada.open("/timeline").await.text();
    assert!(page.contains("data-clean=\"true\"") && !page.contains("Revenue and ledger"));
    let request = ada.request(reqwest::Method::GET, "/timeline/verdict");
    assert_eq!(ada.send(request).await.json()["clean"], true);
}

#[tokio::test]
async fn with_real_keys_there_is_no_live_feed() {
    let app = site().await;
    let mut browser = app.browser();
    browser.set_cookie("__Host-seam_consent", "granted");
    browser.sign_up("ada@example.com").await;
    let request = browser
        .request(reqwest::Method::GET, "/timeline/live")
        .header("accept", "text/event-stream");
    let answer = browser.send(request).await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (204, 0),
        "the browser stops asking"
    );
}

#[tokio::test]
async fn there_is_no_walk_and_the_landing_timeline_is_an_example() {
    let app = site().await;
    let mut browser = app.browser();
    let landing = browser.open("/").await.text();
    assert!(landing.contains("Nothing is counted before you agree to it"));
    browser.set_cookie("__Host-seam_consent", "granted");
    let landing = browser.open("/").await.text();
    assert!(
        landing.contains("which limits the number of queries"),
        "{landing}"
    );
    assert!(!landing.contains("Guided walk"));
    assert_eq!(browser.open("/walk").await.status, 404);
}
