//! Reads the timelines of the newest users from Amplitude.

use backend::timeline::ReadError;
use tracking::session_metrics::{Comparison, compare};

use super::model::SessionsReport;
use crate::visit::Visit;

/// The report; or the reason why it cannot be read, as a sentence. The error is logged.
pub(super) async fn sessions(visit: &Visit) -> Result<SessionsReport, String> {
    read(visit).await.map_err(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "cannot read the timelines of the newest users"
        );
        match error {
            ReadError::NoSecretKey | ReadError::RateLimited => format!("{error}."),
            _ => "The users' events cannot be read right now.".to_owned(),
        }
    })
}

async fn read(visit: &Visit) -> Result<SessionsReport, ReadError> {
    let timeline = &visit.backend.timeline;
    let timelines = timeline.stories(timeline.newest_people().await?).await?;
    Ok(SessionsReport {
        users: timelines
            .iter()
            .filter(|timeline| !timeline.events.is_empty())
            .count(),
        comparison: Comparison::of_all(timelines.iter().map(|timeline| compare(&timeline.events))),
    })
}
