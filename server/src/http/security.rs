//! Headers that every answer has, the one name under which the app is used, and what a log may say of a request.

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use tower_http::csrf::ProtectionError;

use crate::state::AppState;

/// Answers that are no documents run nothing and are framed by nobody. A document sets its own policy, with its nonce.
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

/// Sets them. Pages are not stored: after a sign-out the Back button must not show the person before.
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

/// On a machine of one's own the app answers to several names. Cookies belong to one of them, so all others lead there.
pub async fn one_name(State(state): State<AppState>, request: Request<Body>, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let elsewhere = state.site.local_mode && is_loopback(host) && host != state.site.host();
    if elsewhere && request.method() == Method::GET {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let base = state.site.public_url.as_str().trim_end_matches('/');
        return Redirect::temporary(&format!("{base}{path}")).into_response();
    }
    next.run(request).await
}

/// The span of a request in the logs. What people search for stays out of it, and so do the secrets of links in mails.
pub fn span<B>(request: &Request<B>) -> tracing::Span {
    tracing::debug_span!("request", method = %request.method(), path = told(request.uri().path()))
}

fn told(path: &str) -> &str {
    let secret = ["/verify/", "/reset/"]
        .into_iter()
        .find(|page| path.starts_with(page));
    secret.unwrap_or(path)
}

/// What a form or a call from another site is answered.
pub fn foreign(_: ProtectionError) -> Response {
    let sentence = "This was sent from a page of another site, so nothing was done. Please open the page here and send it again.";
    (StatusCode::FORBIDDEN, sentence).into_response()
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name == "[::1]" || name.starts_with("127.")
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
            assert_eq!(told(path), logged);
        }
    }

    #[test]
    fn loopback_names() {
        for host in [
            "localhost",
            "localhost:3000",
            "127.0.0.1:3000",
            "127.1.2.3",
            "[::1]:3000",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["demo.example", "demo.example:443", "10.0.0.1:3000", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
