//! The index page: what arrived, at a glance.

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

/// The page loads nothing from elsewhere and cannot be framed.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'";

/// `GET /`
pub(super) async fn index() -> Response {
    (
        [(header::CONTENT_SECURITY_POLICY, POLICY)],
        Html(include_str!("page.html")),
    )
        .into_response()
}
