//! The browser: one visitor's cookies, and the requests of navigations, forms and scripts.

use std::time::Duration;

use cookie::Cookie;
use cookie_store::CookieStore;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, ORIGIN, USER_AGENT as USER_AGENT_HEADER};
use http::{HeaderName, HeaderValue, Method};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::response::BrowserResponse;

/// `Accept` of a navigation.
pub const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// `User-Agent`, unless the caller sets another one.
pub const USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 (Seamline http-browser)";

/// The most redirects that are followed for one navigation.
const MAX_REDIRECTS: usize = 5;

/// The limit for one request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a request has no response that can be used.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The connection failed, or the response did not arrive whole. The server may have received the request.
    #[error("the site did not answer: {0}")]
    Transport(#[source] reqwest::Error),
    /// The text is no path or URL.
    #[error("`{0}` is not a path of the site")]
    InvalidUrl(String),
    /// A redirect to another site, which this browser does not visit.
    #[error("{0} redirects to another site")]
    OtherSite(String),
    /// A redirect loop.
    #[error("{0} redirects more than {MAX_REDIRECTS} times")]
    TooManyRedirects(String),
}

/// A connection pool that browsers can share. It follows no redirect and keeps no cookie, because each browser does. The TLS
/// provider of this process is installed as well.
///
/// # Errors
/// When the TLS backend cannot be initialised.
pub fn client() -> Result<Client, reqwest::Error> {
    client_builder().build()
}

/// The settings of [`client`], for a client with more of them.
pub fn client_builder() -> ClientBuilder {
    // It fails if a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
}

/// One visitor's browser on one site. A clone is another browser with the same cookies.
#[derive(Clone, Debug)]
pub struct Browser {
    client: Client,
    site: Url,
    cookies: CookieStore,
    /// Headers that every request has besides the browser's own. One of the same name replaces the browser's.
    extra_headers: Vec<(HeaderName, HeaderValue)>,
}

impl Browser {
    /// A browser without cookies. It sends its requests to `site` through the connections of `client`, which must not follow
    /// redirects.
    pub fn new(client: &Client, site: &Url) -> Self {
        Self {
            client: client.clone(),
            site: site.clone(),
            cookies: CookieStore::default(),
            extra_headers: Vec::new(),
        }
    }

    /// Sets a header of every request, for instance `Sec-GPC` or a proxy's `X-Forwarded-For`. It replaces an earlier value.
    pub fn set_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.extra_headers.retain(|(known, _)| *known != name);
        self.extra_headers.push((name, value));
    }

    /// Opens a page as from the address bar. Follows no redirect.
    ///
    /// # Errors
    /// When the response does not arrive.
    pub async fn open(&mut self, path: &str) -> Result<BrowserResponse, BrowserError> {
        let request = self.navigation(Method::GET, path, "none")?;
        self.send(request).await
    }

    /// Opens a page and follows its redirects on this site.
    ///
    /// # Errors
    /// When a response does not arrive, when a redirect leaves the site, and after too many redirects.
    pub async fn open_and_follow(&mut self, path: &str) -> Result<BrowserResponse, BrowserError> {
        let opened = self.open(path).await?;
        self.follow(opened).await
    }

    /// Follows the redirects of a response; a response that is no redirect is returned as it is.
    ///
    /// # Errors
    /// As [`Self::open_and_follow`].
    pub async fn follow(&mut self, mut response: BrowserResponse) -> Result<BrowserResponse, BrowserError> {
        let first = response.url.path().to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let Some(location) = response.location() else {
                return Ok(response);
            };
            let target = response.url.join(location);
            let target = target.map_err(|_| BrowserError::InvalidUrl(location.to_owned()))?;
            if target.origin() != self.site.origin() {
                return Err(BrowserError::OtherSite(first));
            }
            let request = self.navigation(Method::GET, target.as_str(), "same-origin")?;
            response = self.send(request).await?;
        }
        Err(BrowserError::TooManyRedirects(first))
    }

    /// Submits a form of a page of this site. Follows no redirect.
    ///
    /// # Errors
    /// When the response does not arrive; the server may have received the form.
    pub async fn submit(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<BrowserResponse, BrowserError> {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self
            .navigation(Method::POST, path, "same-origin")?
            .header(ORIGIN, self.origin())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(body)).await
    }

    /// Posts a body as a script of a page of this site does.
    ///
    /// # Errors
    /// When the response does not arrive; the server may have received the body.
    pub async fn post(
        &mut self,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Result<BrowserResponse, BrowserError> {
        let request = self
            .request(Method::POST, path)?
            .header(ACCEPT, "*/*")
            .header(ORIGIN, self.origin())
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "cors")
            .header("sec-fetch-dest", "empty")
            .header(CONTENT_TYPE, content_type);
        self.send(request.body(body)).await
    }

    /// Posts JSON as a page's script and Amplitude's SDK do.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn post_json(&mut self, path: &str, body: &Value) -> Result<BrowserResponse, BrowserError> {
        self.post(path, "application/json", body.to_string()).await
    }

    /// Any request, with this browser's cookies for that URL, its `User-Agent` and the extra headers, but without `Accept`,
    /// `Origin` and `Sec-Fetch-*`. [`Self::send`] sends it.
    ///
    /// # Errors
    /// When `path` is no path and no URL.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, BrowserError> {
        let url = self.site.join(path);
        let url = url.map_err(|_| BrowserError::InvalidUrl(path.to_owned()))?;
        let cookies: Vec<String> = self
            .cookies
            .get_request_values(&url)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = self.client.request(method, url);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        for (name, value) in self.own_headers() {
            request = request.header(name, value);
        }
        for (name, value) in &self.extra_headers {
            request = request.header(name, value);
        }
        Ok(request)
    }

    /// Sends a request, and stores the cookies of the response.
    ///
    /// # Errors
    /// When the response does not arrive whole.
    pub async fn send(&mut self, request: RequestBuilder) -> Result<BrowserResponse, BrowserError> {
        let response = request.send().await.map_err(transport)?;
        let response = BrowserResponse::read(response).await.map_err(transport)?;
        let cookies = response.cookies.iter().cloned();
        self.cookies.store_response_cookies(cookies, &response.url);
        Ok(response)
    }

    /// The value of the first unexpired cookie of that name, with any path.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut cookies = self.cookies.iter_unexpired();
        cookies
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value())
    }

    /// Sets a cookie for the whole site, as a script of a page does.
    pub fn set_cookie(&mut self, name: &str, value: impl Into<String>) {
        let cookie = Cookie::build((name.to_owned(), value.into())).path("/").build();
        self.cookies
            .store_response_cookies(std::iter::once(cookie), &self.site);
    }

    /// Removes the cookies of that name for the whole site, as a script of a page does.
    pub fn remove_cookie(&mut self, name: &str) {
        if let Some(host) = self.site.host_str() {
            self.cookies.remove(host, "/", name);
        }
    }

    fn navigation(&self, method: Method, path: &str, site: &str) -> Result<RequestBuilder, BrowserError> {
        Ok(self
            .request(method, path)?
            .header(ACCEPT, HTML)
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-user", "?1"))
    }

    /// The browser's own headers that no extra header replaces.
    fn own_headers(&self) -> impl Iterator<Item = (HeaderName, &'static str)> {
        let own = [
            (USER_AGENT_HEADER, USER_AGENT),
            (ACCEPT_LANGUAGE, "en-GB,en;q=0.8"),
        ];
        own.into_iter()
            .filter(|(name, _)| self.extra_headers.iter().all(|(extra, _)| extra != name))
    }

    fn origin(&self) -> String {
        self.site.origin().ascii_serialization()
    }
}

/// URLs of this site may contain secrets of mail links; the error is shown and logged without them.
fn transport(error: reqwest::Error) -> BrowserError {
    BrowserError::Transport(error.without_url())
}
