//! The response to a client beyond the limits of connections and feeds.

use axum::response::{IntoResponse, Response};
use backend::slots::LimitReached;
use http::{StatusCode, header};

/// Seconds after which a refused client may try again.
const RETRY_AFTER_SECS: &str = "10";

/// 503 for the limit of all clients, 429 for that of one network.
pub fn refusal(limit: LimitReached) -> Response {
    let (status, sentence) = match limit {
        LimitReached::Total => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The server has too many open connections. Please try again in a moment.",
        ),
        LimitReached::Network => (
            StatusCode::TOO_MANY_REQUESTS,
            "Your network has too many open connections. Please try again in a moment.",
        ),
    };
    (status, [(header::RETRY_AFTER, RETRY_AFTER_SECS)], sentence).into_response()
}
