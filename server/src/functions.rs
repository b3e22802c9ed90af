//! Around server functions. Leptos answers 500 whoever is at fault; a caller who sent nonsense is told so with a 4xx, and a
//! 500 is ours alone.

use axum::body::{Body, Bytes, to_bytes};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;

use crate::router::BODY_MAX;

/// Where Leptos mounts them.
const PREFIX: &str = "/api/";

/// How Leptos' encoding of an error begins when the arguments could not be read.
const CALLERS_FAULTS: [&[u8]; 3] = [b"Args|", b"MissingArg|", b"Deserialization|"];

/// Reads a call's arguments, up to the limit, and gives their faults the right status. The body stays: the browser's half
/// of the function reads it.
pub async fn answer(request: Request<Body>, next: Next) -> Response {
    if !request.uri().path().starts_with(PREFIX) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        let sentence = format!("The body may have {BODY_MAX} bytes at most.");
        return (StatusCode::PAYLOAD_TOO_LARGE, sentence).into_response();
    };
    let response = next.run(Request::from_parts(parts, body.into())).await;
    if !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Made by Leptos from one short string.
    let body: Bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if CALLERS_FAULTS.iter().any(|fault| body.starts_with(fault)) {
        parts.status = StatusCode::BAD_REQUEST;
    }
    Response::from_parts(parts, body.into())
}

/// A function that is not there.
pub async fn unknown() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "There is no such function. The page may be older than the server: please load it again.",
    )
}
