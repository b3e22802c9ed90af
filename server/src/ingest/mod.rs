//! `POST /ingest`: the only route for events from a browser.
//!
//! The page contains a public key; the API key is added here. Each event is checked. A refused event gets Amplitude's response
//! to a bad index, so that the SDK drops it and sends the others again. A clean batch is forwarded and Amplitude's response
//! is returned unchanged. Responses always have Amplitude's shape: the SDK trusts the `code` in the JSON.

mod batch;
mod check;
mod counts;
pub(crate) mod forward;
#[cfg(test)]
mod fuzz;
mod response;
mod rewrite;

use app::request::RequestContext;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use backend::NetworkKey;
use backend::limits::LimitExceededError;
use http::{StatusCode, header};
use serde_json::{Value, json};
use tracking::DeviceId;

use crate::request::EventSenders;
use crate::state::AppState;
use batch::Batch;
use check::{BatchRules, EventSender};
use response::answer;

/// Largest body (`HTTP V2`, "Upload limit": 1 MB).
pub const MAX_BYTES: usize = 1_000_000;

/// Most events of a batch (`HTTP V2`, "Upload limit").
const MAX_EVENTS: usize = 2_000;

/// Forwards the events of a browser. See the module.
pub async fn ingest(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    Extension(senders): Extension<EventSenders>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let (limits, network) = (&state.backend.limits, NetworkKey::of(context.visitor.address));
    // The first event is counted before the body is parsed, the others after it.
    if let Err(exceeded) = limits.count_events(network, 1) {
        return too_many(exceeded);
    }
    let Ok(body) = body else {
        return answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({"code": 413, "error": "Payload too large"}),
        );
    };
    let mut batch = match Batch::read(&body, &state.site.public_key) {
        Ok(batch) => batch,
        Err(error) => return answer(StatusCode::BAD_REQUEST, &error),
    };
    if batch.events.len() > MAX_EVENTS {
        return answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({"code": 413, "error": "Payload too large"}),
        );
    }
    if let Err(exceeded) = limits.count_events(network, batch.events.len().saturating_sub(1)) {
        return too_many(exceeded);
    }
    if context.visitor.tracking.is_none() {
        // Consent was denied while these events waited in the browser. With a 200 the SDK drops them.
        return answer(
            StatusCode::OK,
            &json!({"code": 200, "events_ingested": 0, "payload_size_bytes": body.len()}),
        );
    }
    let rules = BatchRules::new(
        senders_of(&state, &senders, &batch.events).await,
        state.backend.clock.now_ms(),
        batch.uploaded_at_ms(),
        senders.consented_since_ms,
    );
    let refused = check::refused(&batch.events, &rules);
    if !refused.is_empty() {
        tracing::warn!(fields = ?refused.keys().collect::<Vec<_>>(), "refused events of a browser");
        let error = json!({
            "code": 400,
            "error": "Invalid field values on some events",
            "events_with_invalid_fields": refused,
            "events_with_missing_fields": {},
        });
        return answer(StatusCode::BAD_REQUEST, &error);
    }
    for event in &mut batch.events {
        rewrite::rewrite(event, context.visitor.address);
    }
    let names = counts::by_name(&batch.events);
    let sessions = counts::of(&batch.events);
    let touches = counts::first_touches(&batch.events);
    let answer = state.forwarder.send(batch).await;
    if answer.status() == StatusCode::OK {
        for (name, events) in names {
            state.metrics.counters.browser_events(name, events);
        }
        for ((device, session), arrived) in sessions {
            state.backend.loss.record_arrived(&device, session, arrived);
        }
        for (device, touch) in touches {
            state.backend.loss.record_sdk_touch(&device, &touch);
        }
    }
    answer
}

/// The browser's own device with its user, and the devices before its last sign-outs with theirs, as far as the events name
/// them.
async fn senders_of(state: &AppState, senders: &EventSenders, events: &[Value]) -> Vec<EventSender> {
    let is_named = |device: &DeviceId| events.iter().any(|event| event["device_id"] == device.as_str());
    let mut known = Vec::new();
    for ended in senders.ended.iter().filter(|ended| is_named(&ended.device)) {
        // If the database fails, events that name a user are refused, and lost.
        let owner = state.backend.accounts.owner_of_login(ended.login).await;
        known.push(EventSender {
            device: ended.device.clone(),
            user: owner.ok().flatten(),
            until_ms: ended.until_ms,
        });
    }
    // After the ended ones: a browser that presents an ended login still has its device.
    known.extend(senders.own.clone().map(|device| EventSender {
        device,
        user: senders.user,
        until_ms: None,
    }));
    known
}

/// Amplitude's 429 (`HTTP V2`, "Response"). It names no event, because the limit is that of the network. The SDK waits a few
/// seconds and sends the batch again.
fn too_many(exceeded: LimitExceededError) -> Response {
    let body = json!({
        "code": 429,
        "error": "Too many requests for some devices and users",
        "eps_threshold": 50,
        "throttled_devices": {},
        "throttled_users": {},
        "throttled_events": [],
    });
    let retry = [(header::RETRY_AFTER, exceeded.retry_after_secs.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, retry, Json(body)).into_response()
}
