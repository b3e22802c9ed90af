//! A response, read to its end.

use std::time::Instant;

use cookie::Cookie;
use http::HeaderMap;
use http::header::{LOCATION, SET_COOKIE};
use serde_json::Value;
use url::Url;

use crate::document::{self, HtmlForm};

/// A response, read to its end. What is read from its page is parsed on each call.
#[derive(Clone, Debug)]
pub struct BrowserResponse {
    /// The URL of the request.
    pub url: Url,
    /// When the headers had arrived. A page's script measures the visitor's clock at that moment.
    pub headers_at: Instant,
    /// The status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// Cookies that the response sets or expires.
    pub cookies: Vec<Cookie<'static>>,
    /// The body.
    pub body: Vec<u8>,
}

impl BrowserResponse {
    pub(crate) async fn read(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let headers_at = Instant::now();
        let cookies = response.headers().get_all(SET_COOKIE).iter();
        let cookies = cookies
            .filter_map(|value| value.to_str().ok())
            .filter_map(|text| Cookie::parse(text.to_owned()).ok())
            .collect();
        Ok(Self {
            url: response.url().clone(),
            headers_at,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            cookies,
            body: response.bytes().await?.to_vec(),
        })
    }

    /// Whether the status is 200 to 299.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The value of a header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `Location` of a redirect; `None` for any other response.
    pub fn location(&self) -> Option<&str> {
        let is_redirect = matches!(self.status, 300..=399);
        self.header(LOCATION.as_str()).filter(|_| is_redirect)
    }

    /// The body as text. Invalid UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When the body is no JSON.
    pub fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The forms of the page.
    pub fn forms(&self) -> Vec<HtmlForm> {
        document::forms(&self.text())
    }

    /// The value of the first hidden field of that name, in any form.
    pub fn hidden_field(&self, name: &str) -> Option<String> {
        let mut fields = self.forms().into_iter().flat_map(|form| form.hidden_fields);
        fields.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The targets of the page's links, in the order of the page.
    pub fn links(&self) -> Vec<String> {
        document::links(&self.text())
    }

    /// The JSON in the `<script>` element of that ID.
    pub fn embedded_json(&self, id: &str) -> Option<Value> {
        document::embedded_json(&self.text(), id)
    }
}
