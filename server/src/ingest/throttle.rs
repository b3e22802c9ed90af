//! How fast one address may send browser events. The count is this process's own: it guards the machine, not a secret.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use governor::middleware::NoOpMiddleware;
use http::{Request, StatusCode};
use serde_json::json;
use tower_governor::GovernorError;
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;

use app::request::RequestContext;

/// Batches at once, from an office behind one address.
const BURST: u32 = 200;
/// One more every 20 ms.
const EVERY_MS: u64 = 20;

/// By the visitor's address, as the visit knows it.
#[derive(Clone, Copy, Debug)]
pub struct VisitorAddress;

impl KeyExtractor for VisitorAddress {
    type Key = std::net::IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<Self::Key, GovernorError> {
        let context = request
            .extensions()
            .get::<RequestContext>()
            .ok_or(GovernorError::UnableToExtractKey)?;
        Ok(context.visitor.address)
    }
}

/// Limits of `/ingest`.
pub fn ingest() -> Arc<GovernorConfig<VisitorAddress, NoOpMiddleware>> {
    let config = GovernorConfigBuilder::default()
        .key_extractor(VisitorAddress)
        .per_millisecond(EVERY_MS)
        .burst_size(BURST)
        .finish()
        .expect("a burst and a period above zero make a limit");
    Arc::new(config)
}

/// Amplitude's 429 (`HTTP V2`, "Response"). No event is named: it is the address that is too fast, so the SDK waits its
/// usual few seconds and sends the batch again.
pub fn refusal(error: GovernorError) -> Response<Body> {
    let GovernorError::TooManyRequests { headers, .. } = error else {
        let body = json!({"code": 500, "error": "The sender's address is not known"});
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response();
    };
    let body = json!({
        "code": 429,
        "error": "Too many requests for some devices and users",
        "eps_threshold": 1_000 / EVERY_MS,
        "throttled_devices": {},
        "throttled_users": {},
        "throttled_events": [],
    });
    (
        StatusCode::TOO_MANY_REQUESTS,
        headers.unwrap_or_default(),
        Json(body),
    )
        .into_response()
}
