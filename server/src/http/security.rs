//! Headers of every response, the redirect to the host name of `PUBLIC_URL`, the refusal of cross-site requests, and the
//! parts of a request that logs may contain.

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use tower_http::csrf::ProtectionError;

use super::local_guard::is_loopback;
use crate::state::AppState;

/// The policy of responses that are no documents: no content runs, and no page may frame them. A document sets its own
/// policy, with a nonce.
const NO_DOCUMENT: &str = "default-src 'none'; frame-ancestors 'none'";

const FIXED: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    ),
];

/// Sets the headers of every response. Pages are not stored: after a sign-out the Back button must not show the pages of the
/// user before.
pub async fn headers(State(state): State<AppState>, request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if state.site.secure() {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    or_insert(headers, header::CONTENT_SECURITY_POLICY, NO_DOCUMENT);
    or_insert(headers, header::CACHE_CONTROL, "no-store");
    response
}

fn or_insert(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// Redirects a GET under another loopback name to the name in `PUBLIC_URL`, in local mode: cookies belong to one name.
pub async fn redirect_to_public_host(
    State(state): State<AppState>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let is_other_name = state.site.local_mode && is_loopback(host) && host != state.site.host();
    if is_other_name && request.method() == Method::GET {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let base = state.site.public_url.as_str().trim_end_matches('/');
        return Redirect::temporary(&format!("{base}{path}")).into_response();
    }
    next.run(request).await
}

/// The path without the secret of a mail link.
pub(crate) fn loggable_path(path: &str) -> &str {
    let page_of_secret = ["/verify/", "/reset/"]
        .into_iter()
        .find(|page| path.starts_with(page));
    page_of_secret.unwrap_or(path)
}

/// The response to a form or a call that a page of another site has sent.
pub fn refuse_cross_site(_: ProtectionError) -> Response {
    let sentence = "This was sent from a page of another site, so nothing was done. Please open the page here and send it again.";
    (StatusCode::FORBIDDEN, sentence).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_log_shows_a_links_secret() {
        for (path, logged) in [
            ("/verify/00ff", "/verify/"),
            ("/reset/00ff/more", "/reset/"),
            ("/verify", "/verify"),
            ("/timeline", "/timeline"),
        ] {
            assert_eq!(loggable_path(path), logged);
        }
    }
}
