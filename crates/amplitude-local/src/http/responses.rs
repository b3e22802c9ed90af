//! Responses that Amplitude does not define. Amplitude's responses are in `crate::response`.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A JSON error response with a message.
pub(super) fn error_response(status: StatusCode, message: impl Into<String>) -> Response {
    (
        status,
        Json(json!({"code": status.as_u16(), "error": message.into()})),
    )
        .into_response()
}

/// A 500 for a state file that cannot be read or written. Logs `error`, which the response does not contain.
pub(super) fn state_error_response(error: &sqlx::Error) -> Response {
    tracing::error!(%error, "the state file cannot be used");
    error_response(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the state file cannot be used; see the log",
    )
}

/// A response whose text is already JSON. Stored events are sent without parsing them.
pub(super) fn json_text_response(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
