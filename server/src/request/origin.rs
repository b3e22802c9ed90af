//! Where a request came from: the page that sent it, the browser's languages, and the touches of its cookies.

use axum::body::Body;
use backend::RequestOrigin;
use http::{HeaderMap, HeaderName, Request, header};
use tracking::Touch;

use super::identity::BrowserIdentity;
use super::touches::BrowserTouches;
use crate::http::security;
use crate::state::AppState;

/// Longest header that is kept, in characters.
const HEADER_MAX: usize = 300;

/// The touch of a document. Its landing page never contains the secret of a mail link.
pub(super) fn touch_of(request: &Request<Body>) -> Touch {
    Touch::of_document(
        security::loggable_path(request.uri().path()),
        request.uri().query(),
        text(request.headers(), header::REFERER),
    )
}

/// `host` or `host:port` of our pages and of Stripe's. A link from there is no touch.
pub(super) fn own_hosts(state: &AppState) -> Vec<String> {
    let pages = state.backend.billing.hosted_pages().iter();
    let stripe = pages.filter_map(|page| page.split_once("://").map(|(_, host)| host.to_owned()));
    std::iter::once(state.site.host()).chain(stripe).collect()
}

/// Where a mutation came from. Its page is the one that sent it, which is not always the one that it posts to.
pub(super) fn origin(
    state: &AppState,
    request: &Request<Body>,
    identity: Option<&BrowserIdentity>,
    touches: BrowserTouches,
) -> RequestOrigin {
    let site = state.site.public_url.as_str();
    // The URL of the site ends with a slash, which the path begins with.
    let sender = text(request.headers(), header::REFERER).and_then(|url| url.strip_prefix(site));
    let sender = sender.map(|rest| format!("/{}", rest.split(['?', '#']).next().unwrap_or_default()));
    let path = sender.unwrap_or_else(|| request.uri().path().to_owned());
    let path = security::loggable_path(&path);
    RequestOrigin {
        accept_language: truncated(request.headers(), header::ACCEPT_LANGUAGE),
        page_path: path.chars().take(HEADER_MAX).collect(),
        page_title: app::page_title(path),
        session_touch: identity.and_then(|identity| touches.of_session(identity.session).cloned()),
        first_touch: touches.first,
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The header, or an empty text.
pub(super) fn truncated(headers: &HeaderMap, name: HeaderName) -> String {
    text(headers, name)
        .unwrap_or_default()
        .chars()
        .take(HEADER_MAX)
        .collect()
}
