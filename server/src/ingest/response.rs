//! Responses in Amplitude's format.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

/// A JSON body with this status. The SDK reads `code` in the body.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    (status, Json(body)).into_response()
}
