//! The HTTP routes.

mod auth;
mod body;
mod dashboard;
mod deletions;
mod ingest;
mod ingest_request;
mod live;
mod local;
mod page;
mod responses;

use axum::{
    Json, Router,
    extract::Request,
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use local_service::{
    guard::{check_host, check_write_origin},
    serve::run_to_completion,
};
use serde_json::json;

use self::responses::error_response;
use crate::collector::Collector;

impl Collector {
    /// All routes: ingestion, the Dashboard REST API, the live feed, `/local/` and the index page. Requests for a host
    /// that is not a loopback name get a 403.
    pub fn router(&self) -> Router {
        router(self.clone())
    }
}

fn router(collector: Collector) -> Router {
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
        .route(
            "/",
            get(page::index)
                .post(ingest::older_sdk)
                .options(ingest::preflight),
        )
        .route("/httpapi", post(ingest::older_sdk).options(ingest::preflight))
        .route(
            "/groupidentify",
            post(ingest::group_identify).options(ingest::preflight),
        )
        .fallback(unknown_path)
        .layer(middleware::from_fn(run_to_completion))
        .layer(middleware::from_fn(guard))
        .with_state(collector)
}

/// Rejects requests for another host, and cross-site writes. The ingestion APIs accept uploads from any site, because
/// browser SDKs send them cross-site.
async fn guard(request: Request, next: Next) -> Response {
    let is_control = ["/local/", "/api/"]
        .iter()
        .any(|prefix| request.uri().path().starts_with(prefix));
    let checked = check_host(&request).and_then(|()| match is_control {
        true => check_write_origin(&request),
        false => Ok(()),
    });
    match checked {
        Ok(()) => next.run(request).await,
        Err(error) => error_response(StatusCode::FORBIDDEN, error.to_string()),
    }
}

/// HTTP V2 documents `Invalid request path` as a 400. Requests other than POST get a 404.
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
