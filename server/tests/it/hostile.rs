//! Bad input of every kind: a clear answer, never a 500, and nothing stored that should not be.

use reqwest::Method;
use serde_json::json;
use tracking::DeviceId;
use uuid::Uuid;

use crate::browser::{Answer, HTML, PASSWORD, sdk_cookie_name};
use crate::support::TestApp;

/// The only server function.
const VOTE: &str = "/api/vote";

/// The answer is a client error with a sentence.
fn assert_error_shown(answer: &Answer, status: u16, what: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{what}: {text}");
    assert!(text.trim().len() > 10, "{what}: says nothing: {text:?}");
    assert!(
        !text.contains("panicked") && !text.contains(".rs:"),
        "{what}: {text}"
    );
}

/// Values that no cookie of ours has.
fn hostile_values() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        b"x".to_vec(),
        vec![b'A'; 8 * 1024],
        "🧵".repeat(500).into_bytes(),
        vec![0xff, 0xfe, 0x80],
        b"%00%0d%0a%ff".to_vec(),
        b"\"><script>alert(1)</script>".to_vec(),
        b"bnVsbA==".to_vec(),
        b"W1tbW1tbW1tbW1tbW1s=".to_vec(),
        b"9223372036854775807.9223372036854775807".to_vec(),
        b"-1.-1".to_vec(),
        b"' OR 1=1 --".to_vec(),
        b"00000000-0000-0000-0000-000000000000".to_vec(),
    ]
}

#[tokio::test]
async fn forged_and_oversized_cookies_are_no_cookies() {
    let app = TestApp::start().await;
    let sdk = sdk_cookie_name(&app.public_key);
    let names = [
        "seam_device",
        "seam_session",
        "seam_login",
        "seam_previous",
        "seam_known",
        "seam_clock",
        "seam_confirmed.poll-created.1",
        "seam_fired",
        "seam_consent",
        "seam_voter",
        &sdk,
    ];
    for name in names {
        for value in hostile_values() {
            let mut browser = app.browser();
            browser.set_raw_cookie(name, &value);
            let what = format!("{name}={:.40}", String::from_utf8_lossy(&value));
            let document = browser.open("/").await;
            assert_eq!(document.status, 200, "{what}");
            let boot = document.boot();
            assert_eq!(boot["user"], json!(null), "{what}");
            assert_eq!(boot["confirmed"], json!([]), "{what}");
            let device = boot["device"].as_str().unwrap();
            assert!(DeviceId::parse(device).is_some(), "{what}: {device}");

            let mut poster = app.browser();
            poster.set_raw_cookie(name, &value);
            assert_eq!(poster.submit("/sign-out", &[]).await.status, 303, "{what}");
            assert_error_shown(&poster.ingest(&json!({})).await, 400, &what);
        }
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn unreadable_cookies_are_ignored() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for number in 0..60 {
        browser.set_cookie(&format!("junk{number}"), "x".repeat(300));
    }
    let request = browser
        .request(Method::GET, "/")
        .header("accept", HTML)
        .header("cookie", "=;;; =; seam_device; ;a=b=c");
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.boot()["device"], json!(answer.device()));
}

#[tokio::test]
async fn malformed_form_bodies_are_empty_forms() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "&&&===%zz%".to_owned()),
        ("application/x-www-form-urlencoded", "email".to_owned()),
        (
            "application/x-www-form-urlencoded",
            "email[]=a&email[0]=b&PASSWORD=c".to_owned(),
        ),
        ("application/x-www-form-urlencoded", "x=1&".repeat(5_000)),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na\r\n--b--".to_owned(),
        ),
        ("application/json", r#"{"email": "ada@example.com"}"#.to_owned()),
        ("nonsense", "\u{0}\u{1}\u{2}".to_owned()),
    ] {
        for path in ["/sign-up", "/sign-in"] {
            let answer = browser.post(path, kind, body.clone()).await;
            assert_error_shown(&answer, 422, &format!("{path} {kind} {body:.40}"));
            assert!(answer.text().contains("Please fill this in."), "{body:.40}");
        }
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn bodies_that_are_not_utf8() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let form = "application/x-www-form-urlencoded";
    assert_error_shown(
        &browser.post("/sign-up", form, vec![b'e', 0xff, 0xfe]).await,
        422,
        "raw bytes",
    );
    // Escaped, they are characters that no mail address has.
    let answer = browser
        .post(
            "/sign-up",
            form,
            "email=%ff%fe%00@example.com&password=correct+horse+battery",
        )
        .await;
    assert_error_shown(&answer, 422, "escaped bytes");
    let answer = browser
        .post(VOTE, "application/json", vec![b'{', 0xff, b'}'])
        .await;
    assert_error_shown(&answer, 400, "a call");
    let answer = browser
        .post("/ingest", "application/json", vec![b'{', 0xff, b'}'])
        .await;
    assert_eq!(
        answer.json(),
        json!({"code": 400, "error": "Invalid JSON request body"})
    );
    app.assert_untouched().await;
}

#[tokio::test]
async fn bodies_over_the_limit() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let long = format!(
        "email=ada@example.com&password={PASSWORD}&x={}",
        "x".repeat(70_000)
    );
    for path in ["/sign-up", "/sign-in", "/polls/new"] {
        let answer = browser
            .post(path, "application/x-www-form-urlencoded", long.clone())
            .await;
        assert_error_shown(&answer, 413, path);
    }
    let call = json!({"poll": Uuid::nil(), "choice": ["x".repeat(70_000)], "revision": "0"});
    let answer = browser.post(VOTE, "application/json", call.to_string()).await;
    assert_error_shown(&answer, 413, "a call");
    app.assert_untouched().await;
}

#[tokio::test]
async fn very_long_and_unusual_fields() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let long = "x".repeat(5_000);
    let long_email = format!("{long}@example.com");
    let family = "👩‍👩‍👧‍👦".repeat(60);
    for (email, password, fault) in [
        (long_email.as_str(), PASSWORD, "at most 254 characters"),
        ("ada@example.com", &long, "at most 256 characters"),
        ("ada@example.com", &family, "at most 256 characters"),
        (
            "ada\u{202e}@example.com\u{2066}",
            PASSWORD,
            "invisible character (U+202E)",
        ),
        ("ada@exa\u{301}mple..com", PASSWORD, "email address"),
        (
            "ada@example.com\r\nBcc: all@example.com",
            PASSWORD,
            "control character",
        ),
        ("\u{feff}", PASSWORD, "fill this in"),
        (" \u{a0}\u{2003}", PASSWORD, "fill this in"),
    ] {
        let answer = browser
            .submit("/sign-up", &[("email", email), ("password", password)])
            .await;
        assert_error_shown(&answer, 422, email);
        assert!(answer.text().contains(fault), "{email:?}: {fault}");
    }
    app.assert_untouched().await;

    let odd = "b\u{f8}rge+\u{1f9f5}@bl\u{e5}b\u{e6}r.example";
    assert_eq!(browser.sign_up(odd).await.status, 303, "odd is not wrong");
    assert_eq!(app.texts("SELECT email FROM users").await, [odd]);
    let poll = [
        ("question", "Ru\u{301}hr \u{200b}mich 🍜 <b>&amp;</b>"),
        ("option", "مرحبا"),
        ("option", "e\u{301}"),
        ("form", "not a UUID"),
    ];
    assert_eq!(browser.submit("/polls/new", &poll).await.status, 303);
    let shown = "R\u{fa}hr mich 🍜 <b>&amp;</b>";
    assert_eq!(app.texts("SELECT question FROM polls").await, [shown]);
    let text = browser.open("/polls").await.text();
    assert!(
        text.contains("&lt;b&gt;&amp;amp;&lt;/b&gt;") && !text.contains("<b>&amp;</b>"),
        "{text}"
    );

    for bad in ["a\0b", "\u{7f}", "\u{202e}?hcnuL\u{202c}", "\u{3164}", &long] {
        let poll = [("question", bad), ("option", "a"), ("option", "b")];
        assert_error_shown(&browser.submit("/polls/new", &poll).await, 422, bad);
    }
    assert_eq!(app.count("polls").await, 1);
}

#[tokio::test]
async fn unreadable_server_function_calls() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for body in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"poll": 7, "choice": ["0"], "revision": "0"}"#,
        r#"{"poll": "no UUID", "choice": ["0"], "revision": "0"}"#,
        r#"{"poll": "2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11", "choice": "0", "revision": "0"}"#,
        r#"{"poll": "2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11", "choice": [{"a": 1}], "revision": "0"}"#,
        r#"{"poll": "2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11", "choice": ["\ud800"], "revision": "0"}"#,
        r#"{"poll": "2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11", "choice": ["0"]}"#,
        &deep,
    ] {
        let answer = browser.post(VOTE, "application/json", body.to_owned()).await;
        assert_error_shown(&answer, 400, body);
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn refused_votes_show_the_reason() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let poll = Uuid::nil();
    for (choice, revision, reason) in [
        ("99", "0", "was changed"),
        ("0", "\u{0}", "was changed"),
        // The answer to this one brings the cookie.
        ("0", "0", "allow cookies"),
        ("0", "0", "no such poll"),
    ] {
        let call = json!({"poll": poll, "choice": [choice], "revision": revision});
        let answer = browser.post(VOTE, "application/json", call.to_string()).await;
        assert_eq!(answer.status, 200, "{call}");
        let refused = answer.json()["Refused"].as_str().unwrap().to_owned();
        assert!(refused.contains(reason), "{call}: {refused}");
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn unknown_functions_and_methods() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for path in [
        "/api/drop_tables",
        "/api/sign_up",
        "/api/x/y/z",
        "/api/%00",
        "/api/vote/",
    ] {
        let answer = browser.post(path, "application/json", "{}").await;
        assert_error_shown(&answer, 404, path);
        assert_eq!(
            answer.header("x-seam-outdated"),
            Some("1"),
            "{path}: an island of another version can say so"
        );
    }
    for (method, path) in [
        (Method::GET, "/sign-out"),
        (Method::PUT, "/sign-up"),
        (Method::DELETE, "/polls/new"),
        (Method::PATCH, "/"),
        (Method::GET, "/ingest"),
        (Method::POST, "/timeline/live"),
        (Method::POST, "/livez"),
    ] {
        let request = browser
            .request(method.clone(), path)
            .header("sec-fetch-site", "same-origin");
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(
            answer.header("allow").is_some(),
            "{method} {path}: says what is allowed"
        );
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn odd_paths_and_queries() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let long = format!("/{}", "x".repeat(6_000));
    let find = format!("/timeline?find={}", "x".repeat(6_000));
    for (path, status) in [
        ("/%00", 404),
        ("/%ff%fe", 404),
        ("/..%2f..%2fetc%2fpasswd", 404),
        ("/pkg/..%2f..%2f..%2fCargo.toml", 404),
        ("/assets/..%2f..%2f..%2fCargo.toml", 404),
        (long.as_str(), 404),
        ("/sign-in?next=%ff%00&next=//evil.example", 200),
        ("/timeline?find=%00%ff'%22%3E%3Cscript%3Ealert(1)", 200),
        (find.as_str(), 200),
    ] {
        let answer = browser.open(path).await;
        assert_eq!(answer.status, status, "{path:.60}");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("<script>alert"), "{path:.60}");
    }
}
