//! `GET /p/{poll}/live`: a poll's results as they change, for every visitor with its link.

use std::hash::{DefaultHasher, Hash, Hasher};

use app::polls::queries::poll_view;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use http::StatusCode;
use uuid::Uuid;

use crate::feeds::{self, After, Message};
use crate::state::AppState;

/// Each message is the whole poll, so a feed that resumes only leaves out what the page shows already. 404: the browser
/// stops asking.
pub async fn live(
    State(state): State<AppState>,
    Path(poll): Path<String>,
    After(mut seen): After,
) -> Response {
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
    let messages = updates.filter_map(move |results| {
        // Counts and texts always serialise.
        let data = serde_json::to_string(&poll_view(&results, clock.now_ms())).unwrap_or_default();
        let id = digest(&data);
        let known = seen.replace(id.clone()).is_some_and(|seen| seen == id);
        std::future::ready((!known).then_some(Message { id: Some(id), data }))
    });
    feeds::respond(messages, &state.stop)
}

/// The same for the same text, on every server of one version.
fn digest(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
