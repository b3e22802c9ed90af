//! The timeline's routes: the verdict for programs, files, pages of a long timeline, and the search for people.

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Answer, Browser};
use crate::support::{TestApp, until};

const MINUTE: i64 = 60_000;

async fn get(browser: &mut Browser, path: &str) -> Answer {
    let request = browser.request(Method::GET, path).header("accept", "*/*");
    browser.send(request).await
}

fn standing(verdict: &Value, rule: &str) -> String {
    let rulings = verdict["rulings"].as_array().unwrap();
    let found = rulings.iter().find(|ruling| ruling["rule"] == rule);
    found.unwrap()["standing"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_verdict_is_json_with_the_facts_of_the_database() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let boot = browser.open("/").await.boot();
    let (device, session) = (
        boot["device"].as_str().unwrap(),
        boot["session"].as_i64().unwrap(),
    );
    browser.sign_up("ada@example.com").await;
    let user = app.user("ada@example.com").await;
    app.collector.event(&user, "Sign-up completed").await;

    let answer = get(&mut browser, "/timeline/verdict").await;
    assert_eq!(
        (answer.status, answer.cookies.len()),
        (200, 0),
        "{}",
        answer.text()
    );
    let verdict = answer.json();
    assert_eq!(
        (&verdict["clean"], &verdict["person"]),
        (&json!(true), &json!(user))
    );
    assert_eq!(verdict["rulings"].as_array().unwrap().len(), 14);
    let present = "present events inside a browser session";
    assert_eq!(standing(&verdict, present), "explained", "no script ever ran");

    // The SDK's cookie turns up in that very session: it ran, and nothing that it sent has arrived.
    let now = boot["now"].as_i64().unwrap();
    browser.set_sdk_cookie(&app.public_key, device, session, now);
    browser.open("/polls").await;
    let verdict = get(&mut browser, &format!("/timeline/verdict?find={user}"))
        .await
        .json();
    assert_eq!(verdict["clean"], false);
    assert_eq!(standing(&verdict, present), "broken");
    let rulings = verdict["rulings"].as_array().unwrap();
    let broken = rulings
        .iter()
        .find(|ruling| ruling["standing"] == "broken")
        .unwrap();
    assert_eq!(
        broken["findings"][0]["event"]["insert_id"],
        json!(format!("sign-up:{user}"))
    );
    assert_eq!(app.count("sdk_sightings").await, 1);

    for (path, status) in [
        ("/timeline/verdict?find=unknown-person", 404),
        ("/timeline/export?find=unknown-person", 404),
        ("/timeline/export?format=pdf", 400),
    ] {
        assert_eq!(get(&mut browser, path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_file_has_the_events_of_the_page() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.open("/").await;
    browser.sign_up("ada@example.com").await;
    browser.sign_out().await;
    let user = app.user("ada@example.com").await;
    app.collector.event(&user, "Sign-out completed").await;

    let path = format!("/timeline/export?find={user}");
    let all = get(&mut browser, &path).await;
    let name = format!("attachment; filename=\"timeline-{user}.json\"");
    assert_eq!(all.header("content-disposition"), Some(name.as_str()));
    let names: Vec<Value> = all
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event_type"].clone())
        .collect();
    assert_eq!(names, ["Sign-out completed", "Sign-up completed"]);

    let one = get(
        &mut browser,
        &format!("{path}&format=csv&event=Sign-up%20completed&source=server"),
    )
    .await;
    assert_eq!(one.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = one.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("\u{feff}event_time,event,source,user_id,"));
    assert!(lines[1].contains(&format!(",Sign-up completed,server,{user},")));
    let none = get(&mut browser, &format!("{path}&source=browser")).await;
    assert_eq!(none.json(), json!([]));
}

#[tokio::test]
async fn verdict_and_export_are_for_the_own_timeline() {
    let app = TestApp::with_keys(&[("AMPLITUDE_SECRET_KEY", "fedcba9876543210fedcba9876543210")]).await;
    let (mut ada, mut bob, mut stranger) = (app.browser(), app.browser(), app.browser());
    for (browser, email) in [(&mut ada, "ada@example.com"), (&mut bob, "bob@example.com")] {
        browser.set_cookie("__Host-seam_consent", "granted");
        browser.sign_up(email).await;
        app.collector
            .event(&app.user(email).await, "Sign-up completed")
            .await;
    }
    let user = app.user("ada@example.com").await;
    let device = ada.device().unwrap();
    let stolen = ada.cookie("__Host-seam_device").unwrap();
    let mut thief = app.browser();
    thief.set_cookie("__Host-seam_consent", "granted");
    thief.set_cookie("__Host-seam_device", stolen);
    for path in [
        "/timeline/verdict",
        "/timeline/export",
        "/timeline/export?format=csv",
    ] {
        let own = get(&mut ada, path).await;
        assert_eq!(own.status, 200, "{path}");
        assert!(own.text().contains("Sign-up completed") || path.contains("verdict"));
        let joint = if path.contains('?') { '&' } else { '?' };
        for find in [&user, &device, &"email_domain=example.com".to_owned()] {
            let path = format!("{path}{joint}find={find}");
            assert_eq!(get(&mut bob, &path).await.status, 403, "{path}");
        }
        assert_eq!(
            get(&mut stranger, path).await.status,
            403,
            "{path}: no account, no device"
        );
        let stolen = get(&mut thief, path).await.text();
        assert!(
            !stolen.contains("Sign-up completed") && !stolen.contains(&user),
            "{path}: {stolen}"
        );
    }
}

/// A hundred visits of four page views each.
async fn a_regular(app: &TestApp, user: &str) {
    let device = "5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11";
    let start = 1_795_000_000_000_i64;
    let events: Vec<Value> = (0..400)
        .map(|place| {
            let session = start + place / 4 * 120 * MINUTE;
            json!({
                "event_type": "[Amplitude] Page Viewed",
                "user_id": user,
                "device_id": device,
                "session_id": session,
                "time": session + place % 4 * MINUTE,
                "insert_id": format!("view-{place}"),
                "event_properties": {"[Amplitude] Page Path": format!("/page-{place}")},
            })
        })
        .collect();
    let (status, ..) = app
        .collector
        .upload(&json!({"api_key": app.api_key, "events": events}))
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_long_timeline_is_paged_without_script() {
    let app = TestApp::start().await;
    a_regular(&app, "a-regular-visitor").await;
    let mut browser = app.browser();
    let mut path = "/timeline?find=a-regular-visitor".to_owned();
    let mut seen: Vec<String> = Vec::new();
    let mut pages = 0;
    loop {
        let page = browser.open(&path).await.text();
        let (_, groups) = page.split_once("id=\"session-groups\"").unwrap();
        let (groups, rest) = groups
            .split_once("class=\"timeline-older\"")
            .unwrap_or((groups, ""));
        let places = groups.split("class=\"event-place\">/page-").skip(1);
        seen.extend(places.map(|text| text.split('<').next().unwrap().to_owned()));
        pages += 1;
        let link = rest
            .split("href=\"")
            .nth(1)
            .and_then(|link| link.split('"').next());
        match link.filter(|link| link.starts_with("/timeline?")) {
            Some(link) => path = link.replace("&amp;", "&"),
            None => break,
        }
        assert!(pages < 10, "{path}");
    }
    assert_eq!((pages, seen.len()), (4, 400));
    // Newest session first, and each from its beginning.
    assert_eq!(seen[..5], ["396", "397", "398", "399", "392"]);

    let session = 1_795_000_000_000_i64 + 10 * 120 * MINUTE;
    let one = browser
        .open(&format!("/timeline?find=a-regular-visitor&session={session}"))
        .await
        .text();
    assert_eq!(one.matches("<article").count(), 1);
    assert!(one.contains("/page-40<") && one.contains("/page-43<") && !one.contains("/page-44<"));

    // An event's own address leads to the page that has it, and opens it.
    let events = get(&mut browser, "/timeline/export?find=a-regular-visitor")
        .await
        .json();
    let uuid = events
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["$insert_id"] == "view-100")
        .unwrap()["uuid"]
        .clone();
    let linked = browser
        .open(&format!(
            "/timeline?find=a-regular-visitor&at={}",
            uuid.as_str().unwrap()
        ))
        .await
        .text();
    assert!(linked.contains("/page-100<") && !linked.contains("/page-399<"));
    assert!(linked.contains("Stitch proof") && linked.contains("Show the newest"));
}

#[tokio::test]
async fn people_are_found_by_prefix_and_by_property() {
    let app = TestApp::start().await;
    for email in ["ada@one.example", "bob@one.example", "eve@two.example"] {
        app.browser().sign_up(email).await;
    }
    let users = [
        app.user("ada@one.example").await,
        app.user("bob@one.example").await,
    ];
    for user in &users {
        app.collector.event(user, "Sign-up completed").await;
    }
    let mut browser = app.browser();
    let found = until("both are found", async || {
        let text = browser
            .open("/timeline?find=email_domain%3Done.example")
            .await
            .text();
        text.contains("2 people").then_some(text)
    })
    .await;
    for user in &users {
        assert!(found.contains(&format!("/timeline?find={user}")), "{found}");
    }
    // A part of an ID that one person alone has leads directly to the timeline.
    let part = &users[0][24..];
    let timeline = browser.open(&format!("/timeline?find={part}")).await.text();
    assert!(timeline.contains("Sign-up completed"), "{timeline}");
}
