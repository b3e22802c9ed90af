//! Reading the newest people's stories.

use backend::timeline::ReadError;
use tracking::session_metrics::{Comparison, compare};

use super::{Compared, Sessions};
use crate::visit::Visit;

pub(in crate::operations) async fn sessions(visit: &Visit) -> Sessions {
    read(visit).await.map_err(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "cannot read people's stories"
        );
        match error {
            ReadError::NoSecretKey | ReadError::RateLimited => format!("{error}."),
            _ => "People's stories cannot be read right now.".to_owned(),
        }
    })
}

async fn read(visit: &Visit) -> Result<Compared, ReadError> {
    let timeline = &visit.backend.timeline;
    let stories = timeline.stories(timeline.newest_people().await?).await?;
    Ok(Compared {
        people: stories.iter().filter(|story| !story.events.is_empty()).count(),
        comparison: Comparison::of_all(stories.iter().map(|story| compare(&story.events))),
    })
}
