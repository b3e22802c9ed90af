//! `POST /webhooks/stripe`: stores or refuses the raw bytes. Workers apply webhooks later.

use axum::body::Bytes;
use axum::extract::State;
use backend::billing::inbox::{NotOursReason, ReceiveError, Received};
use http::{HeaderMap, StatusCode};

use crate::state::AppState;

/// Far above Stripe's largest events (an invoice with a hundred lines has about 300 KiB).
pub const MAX_BYTES: usize = 1024 * 1024;

/// 200: stored, or stored before, or not ours and counted: a repetition would change nothing. 400: no valid webhook; nothing
/// was changed. 500: it could not be stored, and Stripe sends it again. A body over the limit gets a 413 before it arrives
/// here.
pub async fn webhook(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let signature = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match state.backend.billing.receive(&body, signature).await {
        Ok(Received::New | Received::Duplicate) => (StatusCode::OK, "stored"),
        Ok(Received::NotOurs(reason)) => {
            if reason == NotOursReason::OtherMode {
                tracing::warn!("a webhook of the other mode was refused: check the endpoint's secret");
            }
            (StatusCode::OK, "not ours")
        }
        Err(ReceiveError::Invalid(refused)) => {
            tracing::warn!(%refused, "a webhook was refused");
            (
                StatusCode::BAD_REQUEST,
                "refused: no signature of ours, a clock that is off, or no event",
            )
        }
        Err(ReceiveError::Database(error)) => {
            tracing::error!(%error, "a webhook could not be stored");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "not stored: please send it again",
            )
        }
    }
}
