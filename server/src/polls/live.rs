//! `GET /p/{poll}/live`: a poll's results as they change, for every visitor with its link.

use app::polls::queries::poll_view;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use http::StatusCode;
use uuid::Uuid;

use crate::http::feeds::{After, Message};
use crate::state::AppState;

/// Each message is the whole poll, so a feed that resumes skips only the state that the page shows already. For an unknown or
/// deleted poll the answer is 204: browsers do not report it as an error, as they do 404. The page asks again after growing
/// pauses, because the poll may be restored.
pub async fn live(State(state): State<AppState>, Path(poll): Path<String>, After(after): After) -> Response {
    let Ok(id) = Uuid::parse_str(&poll) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match state.backend.polls.results(id).await {
        Ok(Some(_)) => {}
        Ok(None) => return StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot follow a poll");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    let clock = state.backend.clock.clone();
    let updates = stream::unfold(state.backend.polls.subscribe(id), async |mut updates| {
        let results = updates.next().await?;
        Some((results, updates))
    });
    let mut seen = after.and_then(|after| after.parse::<i64>().ok());
    let messages = updates.filter_map(move |results| {
        let known = seen.is_some_and(|seen| results.changes <= seen);
        seen = Some(results.changes);
        let message = (!known).then(|| Message {
            id: Some(results.changes.to_string()),
            // Counts and texts always serialise.
            data: serde_json::to_string(&poll_view(&results, clock.now_ms())).unwrap_or_default(),
        });
        std::future::ready(message)
    });
    state.feeds.respond(messages)
}
