//! `GET /p/{poll}/live`: a poll's results as they change, as server-sent events, for everybody who has its link.

use std::convert::Infallible;

use app::polls::verbs::poll_view;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use http::StatusCode;
use uuid::Uuid;

use crate::state::AppState;

/// See the module. What has ended is asked for again by the browser; it stops at 404.
pub async fn live(State(state): State<AppState>, Path(poll): Path<String>) -> Response {
    let Ok(id) = Uuid::parse_str(&poll) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match state.backend.polls.results(id).await {
        Ok(Some(_)) => {}
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot follow a poll");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    let clock = state.backend.clock.clone();
    let updates = stream::unfold(state.backend.polls.follow(id), async |mut updates| {
        let results = updates.next().await?;
        Some((results, updates))
    });
    let events = updates.map(move |results| {
        // Counts and texts always serialise.
        let json = serde_json::to_string(&poll_view(&results, clock.now_ms())).unwrap_or_default();
        Ok::<_, Infallible>(Event::default().data(json))
    });
    Sse::new(events.take_until(state.stop.clone().cancelled_owned()))
        .keep_alive(KeepAlive::default())
        .into_response()
}
