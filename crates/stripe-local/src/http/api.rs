//! API requests: key, version header, form and idempotency. `api` has the endpoints.

use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    base_url::base_url,
    responses::{MAX_BODY_BYTES, error_response, json_response},
};
use crate::{
    api,
    api_error::ApiError,
    engine::{Cause, Operation},
    form::{self, Params},
    records::IdempotentResponseRecord,
    render::API_VERSION,
    safety::is_test_key,
    stand_in::StripeStandIn,
};

/// Stripe's limit.
const MAX_IDEMPOTENCY_KEY_CHARS: usize = 255;

/// A response, possibly stored for an idempotency key.
struct ApiReply {
    status: u16,
    body: Value,
    /// The ID of the first request, if this is a replayed response.
    original_request: Option<String>,
}

/// Handles `/v1/…`.
pub(super) async fn handle(State(stand_in): State<StripeStandIn>, request: Request) -> Response {
    let request_id = format!(
        "req_{}",
        std::iter::repeat_with(fastrand::alphanumeric)
            .take(14)
            .collect::<String>()
    );
    let headers = request.headers().clone();
    let version = header_text(&headers, "stripe-version").map(str::to_owned);
    let key = header_text(&headers, "idempotency-key").map(str::to_owned);
    warn_about_version(version.as_deref());
    let reply = respond(&stand_in, request, &headers, &request_id, key.clone()).await;
    let (mut response, original_request) = match &reply {
        Ok(reply) => (
            json_response(reply.status, &reply.body),
            reply.original_request.clone(),
        ),
        Err(error) => (error_response(error), None),
    };
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set("request-id", &request_id);
    set("stripe-version", version.as_deref().unwrap_or(API_VERSION));
    if let Some(key) = &key {
        set("idempotency-key", key);
    }
    if let Some(original) = original_request {
        set("idempotent-replayed", "true");
        set("original-request", &original);
    }
    response
}

async fn respond(
    stand_in: &StripeStandIn,
    request: Request,
    headers: &HeaderMap,
    request_id: &str,
    key: Option<String>,
) -> Result<ApiReply, ApiError> {
    check_api_key(stand_in, headers)?;
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().trim_start_matches("/v1/").to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let kind = header_text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if kind.contains("json") {
        return Err(ApiError::invalid_request(
            "Invalid request: send the parameters as application/x-www-form-urlencoded, not as JSON.",
        ));
    }
    let body = to_bytes(request.into_body(), MAX_BODY_BYTES)
        .await
        .map_err(|_| ApiError::invalid_request("The request body is too large."))?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let key = key.filter(|key| method == "POST" && !key.is_empty());
    if key
        .as_ref()
        .is_some_and(|key| key.chars().count() > MAX_IDEMPOTENCY_KEY_CHARS)
    {
        return Err(ApiError::idempotency_mismatch(
            "Idempotency keys have at most 255 characters.",
        ));
    }
    let cause = Cause {
        request: Some(request_id.to_owned()),
        idempotency_key: key.clone(),
    };
    let mut map = form::parse(&query)?;
    map.extend(form::parse(&body)?);
    let call = Call {
        fingerprint: fingerprint(&method, &path, &format!("{map:?}")),
        method,
        path,
        params: Params::new(map),
        key,
        request: request_id.to_owned(),
    };
    let stored_call = call.clone();
    let base_url = base_url(stand_in, headers);
    let reply = stand_in
        .run(base_url.clone(), cause, move |operation| call.respond(operation))
        .await;
    match reply {
        // The error undid the operation. Its response is stored in an operation of its own.
        Err(error) if error.is_replayable() && stored_call.key.is_some() => {
            let body = error.body();
            stand_in
                .run(base_url, Cause::default(), move |operation| {
                    stored_call.store_response(operation, error.status, &error.body());
                    Ok(())
                })
                .await?;
            Ok(ApiReply {
                status: 402,
                body,
                original_request: None,
            })
        }
        other => other,
    }
}

/// A parsed API request.
#[derive(Clone)]
struct Call {
    method: String,
    path: String,
    params: Params,
    key: Option<String>,
    fingerprint: String,
    request: String,
}

impl Call {
    fn stored_response_id(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("idempotency:{key}"))
    }

    fn respond(self, operation: &mut Operation<'_>) -> Result<ApiReply, ApiError> {
        let stored = self
            .stored_response_id()
            .and_then(|id| operation.records.get::<IdempotentResponseRecord>(&id).cloned());
        if let Some(stored) = stored {
            if stored.fingerprint != self.fingerprint {
                return Err(ApiError::idempotency_mismatch(
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                ));
            }
            return Ok(ApiReply {
                status: stored.status,
                body: stored.body,
                original_request: Some(stored.request),
            });
        }
        let value = api::handle(operation, &self.method, &self.path, self.params.clone())?;
        let (status, body) = match operation.take_error_response() {
            Some(error) => (error.status, error.body()),
            None => (200, value),
        };
        self.store_response(operation, status, &body);
        Ok(ApiReply {
            status,
            body,
            original_request: None,
        })
    }

    fn store_response(&self, operation: &mut Operation<'_>, status: u16, body: &Value) {
        if let Some(id) = self.stored_response_id() {
            let stored_at = operation.wall_secs();
            operation.records.put(IdempotentResponseRecord {
                id,
                fingerprint: self.fingerprint.clone(),
                status,
                body: body.clone(),
                request: self.request.clone(),
                stored_at,
            });
        }
    }
}

fn fingerprint(method: &str, path: &str, params: &str) -> String {
    let hash = Sha256::digest(format!("{method} {path} {params}"));
    STANDARD.encode(hash)
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn check_api_key(stand_in: &StripeStandIn, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(key) = api_key(headers) else {
        return Err(ApiError::unauthorized(
            "You did not provide an API key. Set it in the Authorization header: `Authorization: Bearer sk_test_…`.",
        ));
    };
    if key.starts_with("sk_live_") || key.starts_with("rk_live_") {
        return Err(ApiError::unauthorized(
            "This is stripe-local, a stand-in: do not send live keys here. If this was a mistake, roll the key on Stripe's dashboard.",
        ));
    }
    match &stand_in.settings().secret_key {
        Some(expected) if key == *expected => Ok(()),
        Some(expected) => Err(ApiError::unauthorized(format!(
            "Invalid API Key provided: this stripe-local accepts one key, {}, which was set when it was started.",
            abbreviated(expected)
        ))),
        None if is_test_key(&key) => Ok(()),
        None => Err(ApiError::unauthorized(
            "Invalid API Key provided: stripe-local accepts any test key (sk_test_… or rk_test_…).",
        )),
    }
}

/// Enough of a key to recognise it. A test key of a real account could be configured, so it is not shown as a whole.
fn abbreviated(key: &str) -> String {
    match key.char_indices().nth(13) {
        Some((end, _)) => format!("{}…", &key[..end]),
        None => key.to_owned(),
    }
}

/// The key from `Authorization: Bearer`, or the user name from `Basic`, as `curl -u` sends it.
fn api_key(headers: &HeaderMap) -> Option<String> {
    let (scheme, rest) = header_text(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    Some(
        decoded
            .split_once(':')
            .map_or(decoded.clone(), |(name, _)| name.to_owned()),
    )
}

/// Logs a warning if the client expects another major version. All objects are rendered at one version.
fn warn_about_version(version: Option<&str>) {
    let major = |version: &str| version.split_once('.').map(|(_, name)| name.to_owned());
    if let Some(requested) = version
        && major(requested) != major(API_VERSION)
    {
        tracing::warn!(
            requested,
            served = API_VERSION,
            "a client requested another API version"
        );
    }
}
