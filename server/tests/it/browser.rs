//! A browser as far as the server can tell: cookies, and the headers of navigations and forms.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cookie::Cookie;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use url::form_urlencoded::{Serializer, byte_serialize};

/// Good enough for sign-up.
pub const PASSWORD: &str = "correct horse battery";

/// What a navigation accepts.
pub const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// Keeps cookies as a browser does. A clone is another browser with the same cookies.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    url: String,
    cookies: BTreeMap<String, Vec<u8>>,
    /// On every request, for instance `Sec-GPC`.
    pub headers: Vec<(&'static str, String)>,
}

impl Browser {
    pub fn new(client: Client, url: &str) -> Self {
        Self {
            client,
            url: url.to_owned(),
            cookies: BTreeMap::new(),
            headers: Vec::new(),
        }
    }

    /// Opens a page, and follows no redirect.
    pub async fn open(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header("accept", HTML);
        self.send(request.header("sec-fetch-site", "none")).await
    }

    /// Submits a form without script.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).header("accept", HTML);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(from_our_page(request, &self.url).body(body)).await
    }

    /// Posts as a script of our page does.
    pub async fn post(&mut self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, path).header("accept", "*/*");
        let request = request.header("content-type", content_type);
        self.send(from_our_page(request, &self.url).body(body)).await
    }

    /// Sends a batch as the SDK does.
    pub async fn ingest(&mut self, batch: &Value) -> Answer {
        self.post("/ingest", "application/json", batch.to_string()).await
    }

    /// Any request; cookies and the browser's own headers are on it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if self.cookies.is_empty() {
            return request;
        }
        let pairs: Vec<Vec<u8>> = self
            .cookies
            .iter()
            .map(|(name, value)| [name.as_bytes(), b"=", value].concat())
            .collect();
        request.header("cookie", pairs.join(&b"; "[..]))
    }

    /// Sends it and keeps the cookies of the answer.
    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let set: Vec<Cookie<'static>> = response
            .headers()
            .get_all("set-cookie")
            .iter()
            .map(|value| Cookie::parse(value.to_str().unwrap().to_owned()).unwrap())
            .collect();
        for cookie in &set {
            let expired = cookie.max_age().is_some_and(|age| age <= time::Duration::ZERO);
            match expired {
                true => self.cookies.remove(cookie.name()),
                false => self
                    .cookies
                    .insert(cookie.name().to_owned(), cookie.value().into()),
            };
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            cookies: set,
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    /// The value of a cookie that it has.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies
            .get(name)
            .map(|value| String::from_utf8(value.clone()).unwrap())
    }

    /// Gives it a cookie.
    pub fn set_cookie(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.cookies.insert(name.to_owned(), value.into());
    }

    /// Gives it the cookie that the SDK writes.
    pub fn set_sdk_cookie(&mut self, public_key: &str, device: &str, session: i64, last_event: i64) {
        let stored =
            json!({"deviceId": device, "sessionId": session, "lastEventTime": last_event, "optOut": false});
        let escaped: String = byte_serialize(stored.to_string().as_bytes()).collect();
        self.set_cookie(&sdk_cookie_name(public_key), STANDARD.encode(escaped));
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

    /// Who the server says is signed in here; it opens a page to see.
    pub async fn signed_in_as(&mut self) -> Option<String> {
        self.open("/").await.boot()["user"].as_str().map(str::to_owned)
    }
}

/// Name of the SDK's cookie.
pub fn sdk_cookie_name(public_key: &str) -> String {
    format!("AMP_{}", &public_key[..10])
}

fn from_our_page(request: RequestBuilder, url: &str) -> RequestBuilder {
    request
        .header("origin", url)
        .header("sec-fetch-site", "same-origin")
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// Cookies that it sets or expires.
    pub cookies: Vec<Cookie<'static>>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Status and place of a redirect.
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
        let text = self.text();
        let (_, rest) = text
            .split_once(r#"id="boot">"#)
            .unwrap_or_else(|| panic!("no boot data: {text}"));
        let (json, _) = rest.split_once("</script>").unwrap();
        serde_json::from_str(json).unwrap()
    }
}
