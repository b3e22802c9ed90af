//! Basic authentication for the Dashboard REST API and the User Privacy API: the API key and the secret key.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::responses::error_response;
use crate::settings::CollectorSettings;

/// Whether the request has the configured keys. Any value passes for a key that is not configured.
pub(super) fn is_authorized(settings: &CollectorSettings, headers: &HeaderMap) -> bool {
    if settings.api_key.is_none() && settings.secret_key.is_none() {
        return true;
    }
    let Some((api_key, secret_key)) = credentials(headers) else {
        return false;
    };
    let matches =
        |expected: &Option<String>, given: &str| expected.as_ref().is_none_or(|expected| expected == given);
    matches(&settings.api_key, &api_key) && matches(&settings.secret_key, &secret_key)
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (api_key, secret_key) = pair.split_once(':')?;
    Some((api_key.to_owned(), secret_key.to_owned()))
}

/// A 401 that asks for Basic authentication.
pub(super) fn unauthorized() -> Response {
    let mut response = error_response(
        StatusCode::UNAUTHORIZED,
        "Basic auth with API key and secret key is required",
    );
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        header::HeaderValue::from_static("Basic"),
    );
    response
}
