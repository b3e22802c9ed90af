//! First and last touch, and the contexts of events, over HTTP without script: the SDK never runs.

use db::Engine;
use http::Method;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::{BEHIND_PROXY, TestApp};

const LANDING: &str = "/?utm_source=newsletter&utm_medium=email&utm_campaign=spring&gclid=Cj0K";
const CAMPAIGN: &str = "newsletter / email / spring";

/// Opens a page as a link on another page leads there.
async fn follow_link(browser: &mut Browser, path: &str, from: &str) {
    let request = browser
        .request(Method::GET, path)
        .header("accept", crate::browser::HTML)
        .header("referer", from);
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 200, "{path}");
}

/// The event, with its context as an object.
async fn sign_up(app: &TestApp, browser: &mut Browser, email: &str) -> Value {
    assert_eq!(browser.sign_up(email).await.status, 303);
    app.collector
        .event(&app.user(email).await, "Sign-up completed")
        .await
}

#[tokio::test]
async fn a_campaign_click_reaches_the_event_and_the_person_without_script() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    follow_link(&mut ada, LANDING, "https://mail.example.org/inbox").await;
    // Pages of this site change neither touch.
    follow_link(&mut ada, "/pricing", &format!("{}/", app.url)).await;
    let event = sign_up(&app, &mut ada, "ada@example.com").await;
    let properties = &event["event_properties"];
    assert_eq!(properties["stitched_by"], "server session");
    for (name, value) in [
        ("page_path", "/sign-up"),
        ("page_title", "Sign up · Seamline"),
        ("operating_system", "Linux"),
        ("device_type", "desktop"),
        ("utm_source", "newsletter"),
        ("gclid", "Cj0K"),
        ("referring_domain", "mail.example.org"),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    for (name, value) in [
        ("os_name", "Firefox"),
        ("os_version", "140"),
        ("device_type", "Linux"),
        ("language", "English"),
        ("ip_address", "127.0.0.1"),
    ] {
        assert_eq!(event[name], value, "{name}");
    }
    assert_eq!(event["local"]["plan"]["status"], "valid", "{event}");
    for (name, value) in [
        ("initial_utm_campaign", "spring"),
        ("initial_referrer", "https://mail.example.org/inbox"),
        ("initial_landing_page", "/"),
        ("initial_fbclid", "EMPTY"),
    ] {
        assert_eq!(event["user_properties"][name], value, "{name}");
    }
    let page = ada.open("/operations/campaigns").await.text();
    assert!(page.contains(&format!("data-campaign=\"{CAMPAIGN}\"")), "{page}");
    assert!(
        page.contains("1 sign-up that the server can attribute is missing here."),
        "{page}"
    );
}

#[tokio::test]
async fn on_a_shared_laptop_a_second_person_inherits_nothing() {
    let app = TestApp::start().await;
    let mut laptop = app.browser();
    follow_link(&mut laptop, LANDING, "https://mail.example.org/").await;
    sign_up(&app, &mut laptop, "ada@example.com").await;
    let left = laptop.sign_out().await;
    for name in ["seam_first", "seam_touch"] {
        assert!(left.expired().contains(&name), "{name}: {:?}", left.expired());
    }
    let event = sign_up(&app, &mut laptop, "eve@example.com").await;
    for name in ["utm_source", "gclid", "referring_domain"] {
        assert_eq!(event["event_properties"][name], Value::Null, "{name}");
    }
    assert_ne!(event["user_properties"]["initial_utm_source"], "newsletter");

    // Cookies of one device are no touches of another.
    let mut other = app.browser();
    other.open("/").await;
    let mut ada = app.browser();
    follow_link(&mut ada, LANDING, "https://mail.example.org/").await;
    for name in ["seam_first", "seam_touch"] {
        other.set_cookie(name, ada.cookie(name).unwrap());
    }
    let event = sign_up(&app, &mut other, "tim@example.com").await;
    assert_eq!(event["event_properties"]["utm_source"], Value::Null);
    let campaigns = app
        .texts("SELECT campaign FROM first_touches ORDER BY campaign")
        .await;
    assert_eq!(
        campaigns,
        ["Direct", "Direct", CAMPAIGN],
        "the cookies of another device are not theirs"
    );
}

#[tokio::test]
async fn denied_consent_keeps_no_touch() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    follow_link(&mut ada, LANDING, "https://mail.example.org/").await;
    sign_up(&app, &mut ada, "ada@example.com").await;
    assert_eq!(app.count("first_touches").await, 1);
    let answer = ada.submit("/privacy", &[("choice", "denied")]).await;
    assert_eq!(answer.status, 303);
    for name in ["seam_first", "seam_touch"] {
        assert!(answer.expired().contains(&name), "{name}: {:?}", answer.expired());
    }
    assert_eq!(
        app.count("first_touches").await + app.count("last_touches").await,
        0
    );

    let mut signal = app.browser();
    signal.set_header("sec-gpc", "1");
    follow_link(&mut signal, LANDING, "https://mail.example.org/").await;
    assert_eq!(signal.cookie("seam_first"), None);
}

#[tokio::test]
async fn hostile_values_do_no_harm_where_they_are_stored_and_shown() {
    let app = TestApp::with(Engine::Sqlite, &BEHIND_PROXY).await;
    let mut ada = app.browser();
    ada.set_header(
        "user-agent",
        &format!("Mozilla/5.0 (<script>) {}", "A".repeat(10_000)),
    );
    ada.set_header("accept-language", "\"><script>alert(1)</script>");
    ada.set_header("x-forwarded-for", "6.6.6.6, <script>, 203.0.113.9");
    let landing = format!(
        "/?utm_source=%3Cscript%3Ealert(1)%3C/script%3E&utm_medium=a%0d%0aSet-Cookie:%20x%00%E2%80%AE&utm_campaign={}&gclid={}",
        "c".repeat(3_000),
        "%F0%9F%A7%B5".repeat(500)
    );
    follow_link(
        &mut ada,
        &landing,
        &format!("https://evil.example/{}", "r".repeat(5_000)),
    )
    .await;
    for name in ["seam_first", "seam_touch"] {
        let cookie = ada.cookie(name).unwrap();
        assert!(cookie.len() < 1_500, "{name}: {} bytes", cookie.len());
    }
    let event = sign_up(&app, &mut ada, "ada@example.com").await;
    assert_eq!(
        event["ip_address"], "203.0.113.9",
        "the proxy's entry counts, not the client's"
    );
    assert_eq!(event["language"], Value::Null);
    let properties = event["event_properties"].as_object().unwrap();
    assert_eq!(properties["utm_source"], "<script>alert(1)</script>");
    assert_eq!(properties["utm_medium"], "aSet-Cookie: x");
    for (name, value) in properties {
        let text = value.as_str().unwrap_or_default();
        assert!(
            text.len() <= 200 && !text.chars().any(char::is_control),
            "{name}: {text:?}"
        );
    }
    let user = app.user("ada@example.com").await;
    for path in ["/operations/campaigns", &format!("/timeline?find={user}")] {
        let page = ada.open(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text().contains("<script>alert(1)"), "{path}");
    }
    let exported = ada.open("/settings/data").await;
    assert_eq!(
        exported.json()["tracking"]["first_touch"]["touch"]["utm_source"],
        "<script>alert(1)</script>"
    );

    for garbage in ["x", "1~x.y", "", "~.~"] {
        ada.set_cookie("seam_first", garbage);
        ada.set_cookie("seam_touch", garbage);
        assert_eq!(ada.open("/").await.status, 200, "{garbage}");
    }
}

#[tokio::test]
async fn secrets_of_mail_links_are_no_landing_page() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    let secret = "0".repeat(64);
    ada.open(&format!("/reset/{secret}?utm_source=mail")).await;
    let event = sign_up(&app, &mut ada, "ada@example.com").await;
    assert_eq!(event["user_properties"]["initial_landing_page"], "/reset/");
    assert!(!event.to_string().contains(&secret));
}

#[tokio::test]
async fn titles_are_those_of_the_pages() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    let mut seen = Vec::new();
    for signed_in in [false, true] {
        if signed_in {
            ada.sign_up("ada@example.com").await;
        }
        for path in app::titled_pages() {
            let page = ada.open(path).await;
            let text = page.text();
            let title = text
                .split("<title>")
                .nth(1)
                .and_then(|rest| rest.split("</title>").next());
            if title == app::page_title(path) {
                seen.push(path);
            }
        }
    }
    let missing: Vec<_> = app::titled_pages().filter(|path| !seen.contains(path)).collect();
    assert_eq!(json!(missing), json!([]));
}
