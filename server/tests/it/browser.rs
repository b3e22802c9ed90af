//! The browser of the tests: `http-browser`, with the app's own pages and cookies. A request without a response fails the
//! test.

use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cookie::Cookie;
use http::HeaderValue;
use http::header::COOKIE;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

pub use http_browser::HTML;
use http_browser::{BrowserError, BrowserResponse};

/// Long enough for sign-up.
pub const PASSWORD: &str = "correct horse battery";

/// A browser on the app. A clone is another browser with the same cookies.
#[derive(Clone)]
pub struct Browser(http_browser::Browser);

impl Browser {
    pub fn new(client: &Client, url: &str) -> Self {
        Self(http_browser::Browser::new(client, &url.parse().unwrap()))
    }

    /// Opens a page, and follows no redirect.
    pub async fn open(&mut self, path: &str) -> Answer {
        answer(self.0.open(path).await)
    }

    /// Submits a form without script.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        answer(self.0.submit(path, fields).await)
    }

    /// Posts as a script of our page does.
    pub async fn post(&mut self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        answer(self.0.post(path, content_type, body).await)
    }

    /// Sends a batch as the SDK does.
    pub async fn ingest(&mut self, batch: &Value) -> Answer {
        answer(self.0.post_json("/ingest", batch).await)
    }

    /// Any request, with the browser's cookies and headers.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.0.request(method, path).unwrap()
    }

    /// Sends it and stores the cookies of the response.
    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        answer(self.0.send(request).await)
    }

    /// Sets a header of every request, for instance `Sec-GPC`.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.0.set_header(name.parse().unwrap(), value.parse().unwrap());
    }

    /// The value of a cookie that it has.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.0.cookie(name).map(str::to_owned)
    }

    /// The device ID in its signed cookie.
    pub fn device(&self) -> Option<String> {
        let cookie = self
            .cookie("seam_device")
            .or_else(|| self.cookie("__Host-seam_device"))?;
        Some(device_of(&cookie).to_owned())
    }

    /// Gives it a cookie.
    pub fn set_cookie(&mut self, name: &str, value: impl Into<String>) {
        self.0.set_cookie(name, value);
    }

    /// Sends this cookie with every request, also if its value is no UTF-8. The server cannot remove it.
    pub fn set_raw_cookie(&mut self, name: &str, value: &[u8]) {
        let cookie = [name.as_bytes(), b"=", value].concat();
        self.0
            .set_header(COOKIE, HeaderValue::from_bytes(&cookie).unwrap());
    }

    /// Gives it the cookie that the SDK writes.
    pub fn set_sdk_cookie(&mut self, public_key: &str, device: &str, session: i64, last_event: i64) {
        let stored =
            json!({"deviceId": device, "sessionId": session, "lastEventTime": last_event, "optOut": false});
        let escaped: String = byte_serialize(stored.to_string().as_bytes()).collect();
        self.set_cookie(&sdk_cookie_name(public_key), STANDARD.encode(escaped));
    }

    /// Has the site take over the device of the SDK's cookie.
    pub async fn adopt(&mut self, public_key: &str, device: &str, session: i64) {
        self.set_sdk_cookie(public_key, device, session, session);
        assert_eq!(self.open("/").await.boot()["device"], device);
    }

    /// Opens the page, fills it in, sends it.
    pub async fn sign_up(&mut self, email: &str) -> Answer {
        self.open("/sign-up").await;
        self.submit("/sign-up", &[("email", email), ("password", PASSWORD)])
            .await
    }

    pub async fn sign_in(&mut self, email: &str) -> Answer {
        self.submit("/sign-in", &[("email", email), ("password", PASSWORD)])
            .await
    }

    pub async fn sign_out(&mut self) -> Answer {
        self.submit("/sign-out", &[]).await
    }

    /// The user that a document names as signed in.
    pub async fn signed_in_as(&mut self) -> Option<String> {
        self.open("/").await.boot()["user"].as_str().map(str::to_owned)
    }
}

fn device_of(cookie: &str) -> &str {
    let (device, _signature) = cookie.rsplit_once('.').unwrap();
    device
}

/// Name of the SDK's cookie.
pub fn sdk_cookie_name(public_key: &str) -> String {
    format!("AMP_{}", &public_key[..10])
}

fn answer(response: Result<BrowserResponse, BrowserError>) -> Answer {
    Answer(response.unwrap())
}

/// A response whose expected parts are there.
#[derive(Debug)]
pub struct Answer(BrowserResponse);

impl Deref for Answer {
    type Target = BrowserResponse;

    fn deref(&self) -> &BrowserResponse {
        &self.0
    }
}

impl Answer {
    /// The device ID in the signed cookie that it sets.
    pub fn device(&self) -> &str {
        device_of(self.cookie("seam_device").value())
    }

    /// The logins in the signed cookie of previous devices that it sets, newest first.
    pub fn previous_logins(&self) -> Vec<&str> {
        let (value, _signature) = self.cookie("seam_previous").value().rsplit_once('.').unwrap();
        value
            .split('!')
            .map(|entry| entry.split('~').nth(1).unwrap())
            .collect()
    }

    pub fn json(&self) -> Value {
        let json = self.0.json();
        json.unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Status and target of a redirect.
    pub fn redirect(&self) -> (u16, &str) {
        (self.status, self.header("location").unwrap_or_default())
    }

    /// The cookie that it sets.
    pub fn cookie(&self, name: &str) -> &Cookie<'static> {
        let found = self.cookies.iter().find(|cookie| cookie.name() == name);
        found.unwrap_or_else(|| panic!("no {name} in {:?}", self.cookies))
    }

    /// Names of the cookies that it expires.
    pub fn expired(&self) -> Vec<&str> {
        let expired = self
            .cookies
            .iter()
            .filter(|cookie| cookie.max_age() == Some(time::Duration::ZERO));
        expired.map(Cookie::name).collect()
    }

    /// The document's boot data.
    pub fn boot(&self) -> Value {
        let boot = self.embedded_json("boot");
        boot.unwrap_or_else(|| panic!("no boot data: {}", self.text()))
    }
}
