//! Every route, in one screen.

mod body;
mod dashboard;
mod deletions;
mod guard;
mod ingest;
mod live;
mod local;
mod page;

use axum::{
    Json, Router,
    http::{Method, StatusCode},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use crate::collector::Collector;

pub(crate) fn router(collector: Collector) -> Router {
    Router::new()
        .route("/2/httpapi", post(ingest::http_v2).options(ingest::preflight))
        .route("/batch", post(ingest::batch).options(ingest::preflight))
        .route(
            "/identify",
            post(ingest::identify)
                .get(ingest::identify_by_get)
                .options(ingest::preflight),
        )
        .route("/api/2/usersearch", get(dashboard::user_search))
        .route("/api/2/useractivity", get(dashboard::user_activity))
        .route("/api/2/deletions/users", post(deletions::delete_users))
        .route("/live", get(live::feed))
        .route("/local/people", get(local::people))
        .route("/local/people/{amplitude_id}", get(local::person))
        .route("/local/events", get(local::events))
        .route("/local/refused", get(local::refused))
        .route("/local/raw", get(local::raw))
        .route("/local/plan", get(local::plan))
        .route("/local/faults", get(local::faults).post(local::set_faults))
        .route("/local/reset", post(local::reset))
        .route("/", get(page::index))
        .fallback(unknown_path)
        .layer(middleware::from_fn(guard::loopback_only))
        .with_state(collector)
}

/// HTTP V2 lists `Invalid request path` among its 400s.
async fn unknown_path(method: Method) -> Response {
    let status = if method == Method::POST {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::NOT_FOUND
    };
    (
        status,
        Json(json!({"code": status.as_u16(), "error": "Invalid request path"})),
    )
        .into_response()
}

/// An answer in this crate's own words.
fn refusal(status: StatusCode, sentence: impl Into<String>) -> Response {
    (
        status,
        Json(json!({"code": status.as_u16(), "error": sentence.into()})),
    )
        .into_response()
}

/// The state cannot be read or written. The reason goes to the log, once, here.
fn broken(error: &sqlx::Error) -> Response {
    tracing::error!(%error, "the state cannot be used");
    refusal(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the state cannot be used; see the log",
    )
}
