//! Probes. They are quiet: no cookies, no session.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::state::AppState;

/// `GET /livez`: the process answers.
pub async fn live() -> &'static str {
    "ok"
}

#[derive(Serialize)]
struct Readiness {
    database: bool,
    /// Whether events reach Amplitude. Not a reason to take the server out of service: the outbox keeps them.
    delivery: &'static str,
}

/// `GET /readyz`: 200 when the database answers, else 503.
pub async fn ready(State(state): State<AppState>) -> Response {
    let database = state.db.ping().await.is_ok();
    let paused = state.delivery.borrow().is_paused(state.backend.clock.now_ms());
    let body = Readiness {
        database,
        delivery: if paused { "paused" } else { "ok" },
    };
    let status = if database {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body)).into_response()
}
