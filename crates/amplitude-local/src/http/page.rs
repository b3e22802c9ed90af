//! The index page: people, accepted events and refused events, updated live.

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

/// The page loads nothing from other origins, and no page can frame it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'";

/// `GET /`
pub(super) async fn index() -> Response {
    (
        [(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)],
        Html(include_str!("page.html")),
    )
        .into_response()
}
