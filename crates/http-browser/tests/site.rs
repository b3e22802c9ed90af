//! The browser against a small site over HTTP.

#![expect(clippy::unwrap_used, reason = "test code outside of test functions")]

use axum::Router;
use axum::extract::Form;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use http_browser::{Browser, BrowserError, client};
use serde_json::json;
use url::Url;

/// A site on a free port. `/headers` answers with the request's headers, one a line.
async fn site() -> Url {
    let cookies = AppendHeaders([
        (SET_COOKIE, "all=1; Path=/"),
        (SET_COOKIE, "deep=2; Path=/deep"),
        (SET_COOKIE, "short=3; Path=/; Max-Age=0"),
        (SET_COOKIE, "secure=4; Path=/; Secure; HttpOnly"),
    ]);
    let router = Router::new()
        .route("/cookies", get(move || async move { (cookies, "set") }))
        .route(
            "/expire",
            get(|| async { AppendHeaders([(SET_COOKIE, "all=; Path=/; Max-Age=0")]) }),
        )
        .route("/headers", get(headers).post(headers))
        .route("/deep/headers", get(headers))
        .route("/one", get(|| async { Redirect::to("/two") }))
        .route("/two", get(|| async { Redirect::to("headers") }))
        .route("/loop", get(|| async { Redirect::to("/loop") }))
        .route(
            "/away",
            get(|| async { Redirect::to("http://elsewhere.example/") }),
        )
        .route("/form", post(form))
        .route(
            "/page",
            get(|| async {
                Html(r#"<a href="/x">x</a><form><input type="hidden" name="form" value="7"></form>"#)
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/").parse().unwrap()
}

async fn headers(headers: HeaderMap) -> String {
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
    lines.collect()
}

async fn form(Form(fields): Form<Vec<(String, String)>>) -> impl IntoResponse {
    axum::Json(fields)
}

async fn browser() -> Browser {
    Browser::new(&client().unwrap(), &site().await)
}

#[tokio::test]
async fn cookies_are_kept_by_path_until_they_expire() {
    let mut browser = browser().await;
    let set = browser.open("/cookies").await.unwrap();
    assert_eq!(set.cookies.len(), 4);
    browser.set_cookie("script", "a=b");
    let cookies = async |browser: &mut Browser, path: &str| {
        let text = browser.open(path).await.unwrap().text();
        let line = text.lines().find_map(|line| line.strip_prefix("cookie: "));
        let mut cookies: Vec<String> = line.unwrap_or_default().split("; ").map(str::to_owned).collect();
        cookies.sort();
        cookies.join("; ")
    };
    assert_eq!(
        cookies(&mut browser, "/headers").await,
        "all=1; script=a=b; secure=4"
    );
    assert_eq!(
        cookies(&mut browser, "/deep/headers").await,
        "all=1; deep=2; script=a=b; secure=4"
    );
    assert_eq!(
        (browser.cookie("deep"), browser.cookie("short")),
        (Some("2"), None)
    );

    browser.open("/expire").await.unwrap();
    browser.remove_cookie("script");
    assert_eq!(cookies(&mut browser, "/headers").await, "secure=4");
    let other = Browser::new(&client().unwrap(), &site().await);
    assert_eq!(other.cookie("secure"), None);
}

#[tokio::test]
async fn each_kind_of_request_has_the_headers_of_a_browser() {
    let mut browser = browser().await;
    browser.set_header("sec-gpc".parse().unwrap(), HeaderValue::from_static("1"));
    let opened = browser.open("/headers").await.unwrap().text();
    let submitted = browser.submit("/headers", &[("a", "b")]).await.unwrap().text();
    let posted = browser.post_json("/headers", &json!({})).await.unwrap().text();
    let origin = opened.lines().find_map(|line| line.strip_prefix("host: "));
    let origin = format!("origin: http://{}", origin.unwrap());
    #[rustfmt::skip]
    let table = [
        (&opened,    "sec-fetch-site: none",        "sec-fetch-mode: navigate", "sec-fetch-dest: document"),
        (&submitted, "sec-fetch-site: same-origin", "sec-fetch-mode: navigate", "sec-fetch-dest: document"),
        (&posted,    "sec-fetch-site: same-origin", "sec-fetch-mode: cors",     "sec-fetch-dest: empty"),
    ];
    for (headers, site, mode, dest) in table {
        for line in [site, mode, dest, "sec-gpc: 1"] {
            assert!(headers.lines().any(|known| known == line), "{line} in\n{headers}");
        }
        assert!(headers.contains("\nuser-agent: Mozilla/5.0 ") || headers.starts_with("user-agent:"));
    }
    assert!(!opened.contains("\norigin: "), "{opened}");
    assert!(
        submitted.contains(&origin) && posted.contains(&origin),
        "{submitted}{posted}"
    );

    browser.set_header(http::header::USER_AGENT, HeaderValue::from_static("another"));
    let opened = browser.open("/headers").await.unwrap().text();
    assert_eq!(opened.matches("user-agent: ").count(), 1);
    assert!(opened.contains("user-agent: another\n"), "{opened}");
}

#[tokio::test]
async fn redirects_are_followed_on_demand_and_on_this_site_only() {
    let mut browser = browser().await;
    let opened = browser.open("/one").await.unwrap();
    assert_eq!((opened.status, opened.location()), (303, Some("/two")));
    let followed = browser.follow(opened).await.unwrap();
    assert_eq!((followed.status, followed.url.path()), (200, "/headers"));
    assert_eq!(
        browser.open_and_follow("/one").await.unwrap().url.path(),
        "/headers"
    );
    assert!(matches!(
        browser.open_and_follow("/loop").await,
        Err(BrowserError::TooManyRedirects(path)) if path == "/loop"
    ));
    assert!(matches!(
        browser.open_and_follow("/away").await,
        Err(BrowserError::OtherSite(path)) if path == "/away"
    ));
}

#[tokio::test]
async fn forms_are_read_and_submitted() {
    let mut browser = browser().await;
    let page = browser.open("/page").await.unwrap();
    assert_eq!(page.hidden_field("form").as_deref(), Some("7"));
    assert_eq!(page.links(), ["/x"]);
    let fields = [("option", "a b"), ("option", "ü&=")];
    let sent = browser.submit("/form", &fields).await.unwrap();
    assert_eq!(
        sent.json().unwrap(),
        json!([["option", "a b"], ["option", "ü&="]])
    );
}

#[tokio::test]
async fn an_error_names_no_url() {
    let site: Url = "http://127.0.0.1:1/".parse().unwrap();
    let mut browser = Browser::new(&client().unwrap(), &site);
    let error = browser.open("/verify/secret").await.unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}
