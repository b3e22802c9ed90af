//! Server functions. Leptos responds to every error with 500; here a call that cannot be read gets a 4xx, and a 500 is a
//! failure of the server. No call is redirected.

use axum::body::{Body, Bytes, to_bytes};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Router, middleware};
use http::header::{ACCEPT, REFERER};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::LengthLimitError;
use leptos::server_fn::axum::server_fn_paths;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;

use crate::http::BODY_MAX;
use crate::state::AppState;

/// Paths of the server functions. All are POSTs, so a link of another site calls none.
pub fn paths() -> Vec<String> {
    server_fn_paths().map(|(path, _)| path.to_owned()).collect()
}

/// The routes of the server functions.
pub fn routes() -> Router<AppState> {
    let mut router = Router::new().route("/api/{*name}", any(unknown));
    for path in paths() {
        router = router.route(&path, post(leptos_axum::handle_server_fns));
    }
    router.layer(middleware::from_fn(respond))
}

/// How Leptos' encoding of an error begins when the arguments could not be parsed.
const ARGUMENT_ERRORS: [&[u8]; 3] = [b"Args|", b"MissingArg|", b"Deserialization|"];

/// Reads a call's arguments, up to the limit, and sets the status of errors in them. The body stays, because the browser's
/// part of the function reads it.
async fn respond(request: Request<Body>, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // For a request that accepts HTML, `leptos_axum` replaces the response by a redirect to the Referer, on any host. Our
    // forms have handlers of their own, so no call needs it.
    parts.headers.remove(REFERER);
    parts.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    let body = match to_bytes(body, BODY_MAX).await {
        Ok(body) => body,
        Err(error) if is_length_limit(&error) => {
            let sentence = format!("The body may have {BODY_MAX} bytes at most.");
            return (StatusCode::PAYLOAD_TOO_LARGE, sentence).into_response();
        }
        Err(_) => {
            let sentence = "The body did not arrive in time.";
            return (StatusCode::REQUEST_TIMEOUT, sentence).into_response();
        }
    };
    let response = next.run(Request::from_parts(parts, body.into())).await;
    if !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Leptos makes it of one short string.
    let body: Bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if ARGUMENT_ERRORS.iter().any(|prefix| body.starts_with(prefix)) {
        parts.status = StatusCode::BAD_REQUEST;
    }
    Response::from_parts(parts, body.into())
}

/// The response to a call of an unknown function: another version of the server rendered the page. The header lets the
/// island report it.
async fn unknown() -> impl IntoResponse {
    (
        StatusCode::NOT_FOUND,
        [("x-seam-outdated", "1")],
        "There is no such function. The page is older than the server: please reload it.",
    )
}

/// Whether a body is longer than the limit. Other errors end a body that the client has stopped sending.
fn is_length_limit(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}
