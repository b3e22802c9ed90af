//! `GET /timeline/verdict` and `GET /timeline/export`: what the timeline page shows, for programs and as files, for visitors
//! who may open the page.

mod csv;
mod live;

pub(crate) use live::live;

use app::request::RequestContext;
use app::timeline::{TimelineError, TimelineResult, WholeTimeline, read_whole};
use axum::Json;
use axum::extract::{Extension, Query};
use axum::response::{IntoResponse, Response};
use backend::timeline::ReadError;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use tracking::received::ReceivedEvent;
use tracking::reconcile::{Reconciliation, reconcile};
use tracking::session_metrics::{StitchingComparison, compare};
use tracking::timeline_page::Filter;
use tracking::verdict::{Verdict, verdict as judge};

/// Whose events are asked for, and which: the parameters of the timeline page.
#[derive(Debug, Deserialize)]
pub struct TimelineParams {
    /// A user ID, device ID or Amplitude ID. `None`: the visitor's own events.
    pub find: Option<String>,
    format: Option<String>,
    event: Option<String>,
    source: Option<String>,
    session: Option<String>,
    device: Option<String>,
}

impl TimelineParams {
    /// The events that the page shows.
    pub fn filter(&self) -> Filter {
        Filter::read(|key| match key {
            "event" => self.event.clone(),
            "source" => self.source.clone(),
            "session" => self.session.clone(),
            "device" => self.device.clone(),
            _ => None,
        })
    }
}

#[derive(Serialize)]
struct Judged {
    person: String,
    #[serde(flatten)]
    verdict: Verdict,
    comparison: StitchingComparison,
    books: Reconciliation,
}

/// The verdict on all of a story that can be read, as JSON. The status says whether there is one, not whether it is clean.
pub async fn verdict(
    Extension(context): Extension<RequestContext>,
    Query(params): Query<TimelineParams>,
) -> Response {
    match read_whole(&context, params.find.as_deref()).await {
        Ok(WholeTimeline { by, events, facts }) => Json(Judged {
            person: by,
            verdict: judge(&events, &facts),
            comparison: compare(&events),
            books: reconcile(&events, &facts),
        })
        .into_response(),
        Err(error) => refusal(&error),
    }
}

/// All events that the filter lets through, newest first: `format=json` as they were exported, `format=csv` as a table.
pub async fn export(
    Extension(context): Extension<RequestContext>,
    Query(params): Query<TimelineParams>,
) -> Response {
    let as_table = match params.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return (StatusCode::BAD_REQUEST, "format is json or csv").into_response(),
    };
    let filter = params.filter();
    let story = match read_whole(&context, params.find.as_deref()).await {
        Ok(story) => story,
        Err(error) => return refusal(&error),
    };
    let events = story.events.iter().filter(|event| filter.matches(event));
    let (body, kind, ending) = match as_table {
        true => (csv::table(events), "text/csv; charset=utf-8", "csv"),
        false => (json(events), "application/json", "json"),
    };
    let name = format!(
        "attachment; filename=\"timeline-{}.{ending}\"",
        file_name(&story.by)
    );
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, body).into_response()
}

fn json<'a>(events: impl Iterator<Item = &'a ReceivedEvent>) -> String {
    let events: Vec<String> = events.map(|event| event.raw.to_string()).collect();
    format!("[{}]\n", events.join(",\n"))
}

/// Letters, digits and hyphens of an ID: it was typed by somebody.
fn file_name(by: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
    by.chars().filter(plain).take(64).collect()
}

fn refusal(error: &TimelineError) -> Response {
    let (status, sentence) = match error {
        TimelineError::Refused(found) => match **found {
            TimelineResult::NotYours | TimelineResult::NoIdentity => (
                StatusCode::FORBIDDEN,
                "You can read the story of your own account and device only.",
            ),
            TimelineResult::People { .. } => (
                StatusCode::NOT_FOUND,
                "Several people fit. Name one by a whole ID.",
            ),
            _ => (StatusCode::NOT_FOUND, "Nothing has arrived under this ID."),
        },
        TimelineError::Read(ReadError::NoSecretKey) => (
            StatusCode::NOT_IMPLEMENTED,
            "AMPLITUDE_SECRET_KEY is not set, so events cannot be read back.",
        ),
        TimelineError::Read(ReadError::RateLimited) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Amplitude's limit of queries is reached.",
        ),
        TimelineError::Read(_) => (StatusCode::BAD_GATEWAY, "The events cannot be read right now."),
    };
    if status.is_server_error() {
        tracing::warn!(error = error as &dyn std::error::Error, "cannot read a story");
    }
    (status, sentence).into_response()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("019aa5c4-0000"), "019aa5c4-0000");
        assert_eq!(file_name("../\"; x\r\n"), "x");
    }
}
