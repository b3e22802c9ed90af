//! Server functions. Leptos answers every error with 500; here a call that cannot be read gets a 4xx, and a 500 is ours
//! alone.

use axum::body::{Body, Bytes, to_bytes};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Router, middleware};
use http::{Request, StatusCode};
use leptos::server_fn::axum::server_fn_paths;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;

use crate::router::BODY_MAX;
use crate::state::AppState;

/// Paths of the server functions. All are POSTs: none answers a link of another site.
pub fn paths() -> Vec<String> {
    server_fn_paths().map(|(path, _)| path.to_owned()).collect()
}

/// Their routes.
pub fn routes() -> Router<AppState> {
    let mut router = Router::new().route("/api/{*name}", any(unknown));
    for path in paths() {
        router = router.route(&path, post(leptos_axum::handle_server_fns));
    }
    router.layer(middleware::from_fn(answer))
}

/// How Leptos' encoding of an error begins when the arguments could not be read.
const CALLERS_FAULTS: [&[u8]; 3] = [b"Args|", b"MissingArg|", b"Deserialization|"];

/// Reads a call's arguments, up to the limit, and gives their faults the right status. The body stays: the browser's half
/// of the function reads it.
async fn answer(request: Request<Body>, next: Next) -> Response {
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

/// A function that this server does not have: the page that calls it was rendered by another version. The header lets the
/// island say so.
async fn unknown() -> impl IntoResponse {
    (
        StatusCode::NOT_FOUND,
        [("x-seam-outdated", "1")],
        "There is no such function. The page is older than the server: please load it again.",
    )
}
