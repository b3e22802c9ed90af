//! Documents: which IDs they generate, what they carry, and what every answer has.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::browser::HTML;
use crate::support::TestApp;

const DEVICE: &str = "5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11";

#[tokio::test]
async fn only_a_document_mints_a_device() {
    let app = TestApp::start().await;
    for (method, path, name, value) in [
        (Method::GET, "/favicon.svg", "accept", "image/svg+xml,*/*"),
        (Method::GET, "/assets/0000000000000000/seam.js", "accept", "*/*"),
        (Method::GET, "/", "sec-purpose", "prefetch;prerender"),
        (Method::GET, "/", "accept", "*/*"),
        (Method::HEAD, "/", "accept", HTML),
        (Method::POST, "/sign-in", "accept", HTML),
        (Method::POST, "/sign-out", "accept", HTML),
        (Method::POST, "/ingest", "accept", "*/*"),
        (Method::GET, "/timeline/live", "accept", "text/event-stream"),
        (Method::GET, "/timeline/verdict", "accept", HTML),
        (Method::GET, "/timeline/export", "accept", HTML),
        (Method::GET, "/livez", "accept", HTML),
        (Method::GET, "/readyz", "accept", HTML),
    ] {
        let mut browser = app.browser();
        let request = browser.request(method.clone(), path).header(name, value);
        let answer = browser.send(request).await;
        assert!(
            answer.cookies.is_empty(),
            "{method} {path} {value}: {:?}",
            answer.cookies
        );
    }

    let mut browser = app.browser();
    let answer = browser.open("/nowhere").await;
    let device = answer.cookie("seam_device");
    assert_eq!(device.http_only(), Some(true));
    assert_eq!(device.same_site(), Some(cookie::SameSite::Lax));
    assert_eq!(device.path(), Some("/"));
    assert_eq!(device.max_age().map(|age| age.whole_days()), Some(400));
    let id = Uuid::parse_str(answer.device()).unwrap();
    assert_eq!(id.get_version_num(), 4);
    assert_eq!(
        browser.open("/").await.boot()["device"],
        json!(id.to_string()),
        "and keeps it"
    );
}

#[tokio::test]
async fn a_browser_that_only_the_sdk_knows_keeps_its_device_and_session() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let now = app.browser().open("/").await.boot()["now"].as_i64().unwrap();
    browser.set_sdk_cookie(&app.public_key, DEVICE, now - 60_000, now - 1_000);
    let answer = browser.open("/").await;
    assert_eq!(answer.device(), DEVICE);
    let boot = answer.boot();
    assert_eq!(
        (&boot["device"], &boot["session"]),
        (&json!(DEVICE), &json!(now - 60_000))
    );
}

#[tokio::test]
async fn document_cookie_and_server_function_have_one_session() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let session = browser.open("/").await.boot()["session"].to_string();
    browser.open("/sign-in").await;
    let own = browser.cookie("seam_session").unwrap();
    assert_eq!(own.split_once('.').unwrap().0, session);

    let form = browser.submit("/sign-in", &[]).await;
    let vote = json!({"poll": Uuid::nil(), "choice": ["0"], "revision": "0"}).to_string();
    let call = browser.post("/api/vote", "application/json", vote).await;
    for (answer, status) in [(form, 422), (call, 200)] {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("x-seam-session"), Some(session.as_str()));
    }
}

#[tokio::test]
async fn boot_data_has_ids_and_no_secrets() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let boot = browser.open("/").await.boot();
    assert_eq!(boot["tracking"], true);
    assert_eq!(boot["endpoint"], "/ingest");
    assert_eq!(boot["key"], json!(app.public_key));
    assert_eq!(boot["user"], Value::Null);
    assert_eq!(boot["confirmed"], json!([]));
    let sdk = boot["sdk"].as_str().unwrap();
    assert!(sdk.starts_with("/assets/") && sdk.contains("/vendor/"), "{sdk}");
    assert!(
        boot["excludeReferrers"]
            .as_array()
            .unwrap()
            .contains(&json!(&app.url["http://".len()..]))
    );

    browser.sign_up("ada@example.com").await;
    let document = browser.open("/").await;
    assert_eq!(document.boot()["user"], json!(app.user("ada@example.com").await));
    let text = document.text();
    assert!(
        !text.contains(&app.api_key),
        "the project's key stays on the server"
    );
    let [login] = &app.texts("SELECT id FROM logins").await[..] else {
        panic!("one login")
    };
    assert!(!text.contains(login));
}

#[tokio::test]
async fn confirmed_events_are_in_boot_data_until_they_arrive_or_the_user_leaves() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let session = browser.open("/polls/new").await.boot()["session"].take();
    let lunch = [
        ("question", "Lunch?"),
        ("option", "Soup"),
        ("option", "Salad"),
        ("multiple_choice", "true"),
    ];
    assert_eq!(
        browser.submit("/polls/new", &lunch).await.redirect(),
        (303, "/polls?done=created")
    );
    let poll = app.texts("SELECT id FROM polls").await.remove(0);
    let when = [("question", "When?"), ("option", "a"), ("option", "b")];
    assert_eq!(browser.submit("/polls/new", &when).await.status, 303);

    for visit in ["the next page", "the one after it"] {
        let confirmed = browser.open("/polls").await.boot()["confirmed"].take();
        assert_eq!(confirmed.as_array().unwrap().len(), 2, "{visit}: {confirmed}");
        assert_eq!(confirmed[0]["name"], "Poll created");
        assert_eq!(confirmed[0]["insertId"], json!(format!("poll-created:{poll}")));
        assert_eq!(confirmed[0]["session"], session);
        assert_eq!(confirmed[0]["properties"]["poll_id"], json!(poll));
        assert_eq!(confirmed[0]["properties"]["multiple_choice"], true);
    }
    let name = format!("seam_confirmed.poll-created.{poll}");
    let cookie = browser.cookie(&name).unwrap();
    browser.sign_out().await;
    assert_eq!(browser.cookie(&name), None, "the next person has not done this");
    assert_eq!(browser.open("/").await.boot()["confirmed"], json!([]));
    // A post that is answered after the sign-out may set it again.
    browser.set_cookie(&name, cookie.clone());
    let boot = browser.open("/").await.boot();
    assert_eq!(boot["confirmed"], json!([]), "it is of the device before");
    assert_eq!(browser.cookie(&name), None, "and is removed");
    browser.set_cookie(&name, cookie);
    browser.set_cookie("seam_login", "AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(
        browser.open("/").await.boot()["confirmed"],
        json!([]),
        "nor under an ended login"
    );
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for (method, path, status) in [
        (Method::GET, "/", 200),
        (Method::GET, "/nowhere", 404),
        (Method::GET, "/polls", 302),
        (Method::POST, "/sign-out", 303),
        (Method::POST, "/sign-in", 422),
        (Method::POST, "/ingest", 400),
        (Method::POST, "/api/nothing", 404),
        (Method::GET, "/livez", 200),
        (Method::GET, "/readyz", 200),
    ] {
        let request = browser.request(method.clone(), path).header("accept", HTML);
        let answer = browser.send(request).await;
        assert_eq!(answer.status, status, "{method} {path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path} {name}");
        }
        assert!(answer.header("permissions-policy").is_some(), "{method} {path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
    }
}

#[tokio::test]
async fn each_document_has_its_own_nonce_on_every_script() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let mut nonces = Vec::new();
    for path in ["/", "/sign-up", "/nowhere"] {
        let answer = browser.open(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("form-action 'self'") && policy.contains("connect-src 'self'"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
            "{policy}"
        );
        let (_, rest) = policy.split_once("'nonce-").unwrap();
        let nonce = rest.split_once('\'').unwrap().0.to_owned();
        let text = answer.text();
        for tag in text
            .split("<script")
            .skip(1)
            .map(|rest| rest.split_once('>').unwrap().0)
        {
            let runs_inline = !tag.contains("src=") && !tag.contains("application/json");
            assert!(
                !runs_inline || tag.contains(&format!("nonce=\"{nonce}\"")),
                "{path}: <script{tag}>"
            );
        }
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 3, "{nonces:?}");
}

#[tokio::test]
async fn unknown_pages_are_404() {
    let app = TestApp::start().await;
    let answer = app.browser().open("/no/such/page").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("Page not found"));
}

#[tokio::test]
async fn other_loopback_names_redirect_to_the_public_one() {
    let app = TestApp::start().await;
    let port = app.url.rsplit_once(':').unwrap().1;
    for host in [
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
        "127.0.0.1".to_owned(),
    ] {
        let mut browser = app.browser();
        let request = browser
            .request(Method::GET, "/timeline?find=a%20b")
            .header("accept", HTML);
        let answer = browser.send(request.header("host", host.as_str())).await;
        assert_eq!(
            answer.redirect(),
            (307, format!("{}/timeline?find=a%20b", app.url).as_str()),
            "{host}"
        );
        assert!(answer.cookies.is_empty(), "{host}");
    }
}

#[tokio::test]
async fn cross_site_posts_change_nothing() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    for path in ["/sign-out", "/polls/new", "/ingest", "/api/vote"] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let request = browser.request(Method::POST, path).header(name, value);
            let answer = browser.send(request.body("question=Q&option=a&option=b")).await;
            assert_eq!(answer.status, 403, "{path} {name}: {value}");
            assert!(
                answer.text().contains("from a page of another site"),
                "{}",
                answer.text()
            );
            assert!(answer.cookies.is_empty());
        }
    }
    assert_eq!(app.count("polls").await, 0);
    assert!(browser.signed_in_as().await.is_some());
}

#[tokio::test]
async fn a_path_with_a_slash_at_its_end_leads_to_its_page() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for (method, path, page) in [
        (Method::GET, "/pricing/?a=b", Some("/pricing?a=b")),
        (Method::POST, "/sign-in/", Some("/sign-in")),
        (Method::GET, "/polls/0193b7c4/", Some("/polls/0193b7c4")),
        (Method::GET, "/nowhere/", None),
    ] {
        let request = browser.request(method, path).header("accept", HTML);
        let response = request.send().await.unwrap();
        let location = response.headers().get("location").cloned();
        assert_eq!(location.as_ref().map(|to| to.to_str().unwrap()), page, "{path}");
        assert_eq!(
            response.status(),
            if page.is_some() { 308 } else { 404 },
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_program_is_redirected_as_a_browser_is() {
    let app = TestApp::start().await;
    for accept in [HTML, "*/*"] {
        let request = app
            .browser()
            .request(Method::GET, "/settings")
            .header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 302, "{accept}");
        assert_eq!(response.headers()["location"], "/sign-in?next=/settings");
    }
}
