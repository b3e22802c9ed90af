//! `POST /webhooks/stripe`: raw bytes in, stored or refused. Nothing is applied here, and nobody waits for Stripe.

use axum::body::Bytes;
use axum::extract::State;
use backend::billing::inbox::ReceiveError;
use http::{HeaderMap, StatusCode};

use crate::state::AppState;

/// Stripe's largest events stay far below (invoices with a hundred lines have some 300 KiB).
pub const MAX_BYTES: usize = 1024 * 1024;

/// 200: it is stored, also when it has come before or says nothing to us; 400: it is no webhook of ours, and nothing was
/// changed; 500: we could not store it, and Stripe sends it again. A body over the limit never comes here: 413.
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
        Ok(_) => (StatusCode::OK, "stored"),
        Err(ReceiveError::Invalid(refused)) => {
            tracing::warn!(%refused, "a webhook was refused");
            (
                StatusCode::BAD_REQUEST,
                "refused: no signature of ours, too old, or no event",
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
