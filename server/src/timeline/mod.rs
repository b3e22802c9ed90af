//! `GET /timeline/verdict` and `GET /timeline/export`: the content of the timeline page as JSON and as files, for the visitors
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
use tracking::analysis::Analysis;
use tracking::received::ReceivedEvent;
use tracking::reconcile::Reconciliation;
use tracking::session_metrics::StitchingComparison;
use tracking::timeline_page::Filter;
use tracking::verdict::Verdict;

/// The parameters of the timeline page: the user or device, and the filter.
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
struct VerdictReport {
    person: String,
    #[serde(flatten)]
    verdict: Verdict,
    comparison: StitchingComparison,
    reconciliation: Reconciliation,
}

/// The verdict on all events of a user that can be read, as JSON: 200 also if it is not clean.
pub async fn verdict(
    Extension(context): Extension<RequestContext>,
    Query(params): Query<TimelineParams>,
) -> Response {
    match read_whole(&context, params.find.as_deref()).await {
        Ok(WholeTimeline { by, events, facts }) => {
            let analysis = Analysis::of(&events, facts);
            Json(VerdictReport {
                person: by,
                verdict: analysis.verdict,
                comparison: analysis.comparison,
                reconciliation: analysis.reconciliation,
            })
            .into_response()
        }
        Err(error) => refusal(&error),
    }
}

/// All events that match the filter, newest first: `format=json` as Amplitude exported them, `format=csv` as a table.
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
    let timeline = match read_whole(&context, params.find.as_deref()).await {
        Ok(timeline) => timeline,
        Err(error) => return refusal(&error),
    };
    let events = timeline.events.iter().filter(|event| filter.matches(event));
    let (body, kind, ending) = match as_table {
        true => (csv::table(events), "text/csv; charset=utf-8", "csv"),
        false => (json(events), "application/json", "json"),
    };
    let name = format!(
        "attachment; filename=\"timeline-{}.{ending}\"",
        file_name(&timeline.by)
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

/// The letters, digits and hyphens of an ID that a visitor typed.
fn file_name(by: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
    by.chars().filter(plain).take(64).collect()
}

fn refusal(error: &TimelineError) -> Response {
    let (status, sentence) = match error {
        TimelineError::Refused(found) => match **found {
            TimelineResult::NotYours | TimelineResult::NoIdentity => (
                StatusCode::FORBIDDEN,
                "You can read the timeline of your own account and device only.",
            ),
            TimelineResult::People { .. } => {
                (StatusCode::NOT_FOUND, "Several users match. Enter a whole ID.")
            }
            _ => (StatusCode::NOT_FOUND, "Nothing has arrived under this ID."),
        },
        TimelineError::Read(ReadError::NoSecretKey) => (
            StatusCode::NOT_IMPLEMENTED,
            "AMPLITUDE_SECRET_KEY is not set, so events cannot be read back.",
        ),
        TimelineError::Read(error @ ReadError::NetworkLimited { minutes }) => {
            let retry_after = [(header::RETRY_AFTER, (minutes * 60).to_string())];
            let sentence = format!("{error}.");
            return (StatusCode::TOO_MANY_REQUESTS, retry_after, sentence).into_response();
        }
        TimelineError::Read(ReadError::RateLimited) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Amplitude's limit of queries is reached.",
        ),
        TimelineError::Read(_) => (StatusCode::BAD_GATEWAY, "The events cannot be read right now."),
    };
    if status.is_server_error() {
        tracing::warn!(error = error as &dyn std::error::Error, "cannot read a timeline");
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
