//! A browser without script: it keeps cookies, follows no redirect, and posts forms as a browser does.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cookie::Cookie;
use cookie::time::Duration as Age;
use reqwest::header::{ACCEPT, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// As long as the server gives a request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The header in which the visitor's address is handed on, as by a proxy of the operator's. Everything comes from one
/// machine here, and throttles go by address.
pub const ADDRESS_HEADER: &str = "x-forwarded-for";

/// The connections that browsers share.
///
/// # Errors
/// When no HTTP client can be made.
pub fn client() -> Result<Client, reqwest::Error> {
    // An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
}

/// One browser with its cookies.
#[derive(Clone, Debug)]
pub struct Browser {
    client: Client,
    base: String,
    address: Ipv4Addr,
    cookies: BTreeMap<String, String>,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The value of the first input of that name.
    pub fn value_of(&self, name: &str) -> Option<&str> {
        let (_, input) = self.text.split_once(&format!("name=\"{name}\""))?;
        let (input, _) = input.split_once('>')?;
        let (_, value) = input.split_once("value=\"")?;
        value.split('"').next()
    }

    /// What the document tells its script; null where there is none.
    pub fn boot(&self) -> Value {
        let json = self.text.split_once(r#"id="boot">"#);
        json.and_then(|(_, rest)| rest.split_once("</script>"))
            .and_then(|(json, _)| serde_json::from_str(json).ok())
            .unwrap_or_default()
    }
}

impl Browser {
    /// A new browser at `address` that visits the site at `site`.
    pub fn new(client: &Client, site: SocketAddr, address: Ipv4Addr) -> Self {
        Self {
            client: client.clone(),
            base: format!("http://{site}"),
            address,
            cookies: BTreeMap::new(),
        }
    }

    /// Loads a page.
    ///
    /// # Errors
    /// When the answer did not arrive whole.
    pub async fn open(&mut self, path: &str) -> Result<Answer, reqwest::Error> {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// Posts a form from a page of the site.
    ///
    /// # Errors
    /// As [`Self::open`]; the form may have been received.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, reqwest::Error> {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .header(ORIGIN, &self.base)
            .header("sec-fetch-site", "same-origin")
            .form(fields);
        self.send(request).await
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Sets a cookie, as a script of the page would.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header(ACCEPT, "text/html,application/xhtml+xml")
            .header(ADDRESS_HEADER, self.address.to_string())
            .header(COOKIE, pairs.join("; "));
        let response = request.send().await?;
        self.keep_cookies(&response);
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok(Answer {
            status: response.status(),
            location,
            text: response.text().await?,
        })
    }

    fn keep_cookies(&mut self, response: &Response) {
        let texts = response
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for cookie in texts.filter_map(|text| Cookie::parse(text).ok()) {
            if cookie.max_age().is_some_and(|age| age <= Age::ZERO) {
                self.cookies.remove(cookie.name());
            } else {
                self.set_cookie(cookie.name(), cookie.value());
            }
        }
    }
}
