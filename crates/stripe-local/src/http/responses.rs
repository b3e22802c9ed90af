//! JSON responses in Stripe's format.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::api_error::ApiError;

/// The largest request body, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 1 << 20;

/// The status with this code, or 500 if the code is not valid.
pub(super) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn error_response(error: &ApiError) -> Response {
    json_response(error.status, &error.body())
}

/// A JSON response, indented as Stripe's responses are.
pub(super) fn json_response(code: u16, body: &Value) -> Response {
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    (status(code), [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// A rejected request, in the format of Stripe's errors.
pub(super) fn forbidden(message: impl Into<String>) -> Response {
    let body = json!({"error": {"type": "invalid_request_error", "message": message.into()}});
    json_response(StatusCode::FORBIDDEN.as_u16(), &body)
}
