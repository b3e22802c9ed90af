//! The origin that links to hosted pages start with.

use axum::http::{HeaderMap, header};

use crate::stand_in::StripeStandIn;

/// The configured origin, or `http://localhost` with the port of the Host header.
///
/// An application usually has the host `127.0.0.1`. For a browser, `localhost` is a different site, as real Stripe is.
pub(super) fn base_url(stand_in: &StripeStandIn, headers: &HeaderMap) -> String {
    if let Some(url) = &stand_in.settings().public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    match host.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("http://localhost:{port}")
        }
        _ => "http://localhost".to_owned(),
    }
}
