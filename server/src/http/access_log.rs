//! The line of each request in the logs, and the ID by which other lines of the request are found.
//!
//! It has the route, not the path: paths have IDs and secrets of links, and queries are text of users.

use std::time::Duration;

use axum::extract::MatchedPath;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Request};
use tower_http::request_id::RequestId;
use tracing::Span;

/// The response's header with the ID of the request. A client's own header of that name is not read.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Removes the ID that the client sent.
pub fn without_id<B>(mut request: Request<B>) -> Request<B> {
    request.headers_mut().remove(REQUEST_ID);
    request
}

/// The span of a request.
pub fn span<B>(request: &Request<B>) -> Span {
    let id = request
        .extensions()
        .get::<RequestId>()
        .map(RequestId::header_value);
    tracing::info_span!(
        "request",
        request.id = id.and_then(|id| HeaderValue::to_str(id).ok()),
        method = %request.method(),
        route = route(request),
    )
}

/// The template of the route; `none` for a request without a route.
pub fn route<B>(request: &Request<B>) -> &str {
    let matched = request.extensions().get::<MatchedPath>();
    matched.map_or("none", MatchedPath::as_str)
}

/// Writes the line, when the response begins.
pub fn responded<B>(response: &Response<B>, latency: Duration, _: &Span) {
    tracing::info!(
        target: "access",
        status = response.status().as_u16(),
        ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX),
        "request"
    );
}
