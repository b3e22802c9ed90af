//! `POST /ingest`: the only way in for events from a browser.
//!
//! The page knows a public key; the API key is put in here. Each event is checked, a refused one is answered as Amplitude
//! answers a bad index, so that the SDK drops it and sends the rest again, and a clean batch is forwarded and its answer
//! returned unchanged. Answers always have Amplitude's shape: the SDK trusts the `code` in the JSON.

mod batch;
mod check;
mod counts;
mod forward;
pub(crate) mod throttle;

use app::request::RequestContext;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};
use tracking::UserId;

pub use forward::Forwarder;

use crate::state::AppState;
use batch::Batch;

/// Largest body (`HTTP V2`, "Upload limit": 1 MB).
pub const MAX_BYTES: usize = 1_000_000;

/// See the module.
pub async fn ingest(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let Ok(body) = body else {
        return answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({"code": 413, "error": "Payload too large"}),
        );
    };
    let mut batch = match Batch::read(&body, &state.site.public_key) {
        Ok(batch) => batch,
        Err(fault) => return answer(StatusCode::BAD_REQUEST, &fault),
    };
    if context.visitor.tracking.is_none() {
        // Consent was taken back while these waited in the browser. It forgets them on a yes, and nobody else hears.
        return answer(
            StatusCode::OK,
            &json!({"code": 200, "events_ingested": 0, "payload_size_bytes": body.len()}),
        );
    }
    let refused = check::refused(&batch.events, &may_name(&state, &context).await);
    if !refused.is_empty() {
        tracing::warn!(fields = ?refused.keys().collect::<Vec<_>>(), "refused events of a browser");
        let fault = json!({
            "code": 400,
            "error": "Invalid field values on some events",
            "events_with_invalid_fields": refused,
            "events_with_missing_fields": {},
        });
        return answer(StatusCode::BAD_REQUEST, &fault);
    }
    forward::place(&mut batch.events, context.visitor.address);
    let sessions = counts::of(&batch.events);
    let answer = state.forwarder.send(batch).await;
    if answer.status() == StatusCode::OK {
        note_arrived(&state, sessions).await;
    }
    answer
}

/// For the loss meter. The answer does not depend on it.
async fn note_arrived(state: &AppState, sessions: counts::BySession) {
    for ((device, session), arrived) in sessions {
        if let Err(error) = state.backend.loss.record_arrived(&device, session, arrived).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot note what of a browser arrived"
            );
        }
    }
}

/// Users whose events this browser may send: who is signed in, and whoever was before. The SDK sends what it still has of
/// the previous person with their ID, from the next page.
async fn may_name(state: &AppState, context: &RequestContext) -> Vec<UserId> {
    let present = context.login.as_ref().map(|login| login.user.id);
    let previous = match context.previous_login {
        // Without the database the previous person's late events are refused, and lost, rather than believed.
        Some(login) => state.backend.accounts.owner_of_login(login).await.ok().flatten(),
        None => None,
    };
    present.into_iter().chain(previous).collect()
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, Json(body)).into_response()
}
