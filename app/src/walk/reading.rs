//! Reading what the walk is decided by: the person's story, once, and the newest votes of everybody.

use backend::timeline::ReadError;
use tracking::VoteCast;
use tracking::received::ReceivedEvent;

use super::api::{Walk, Whose};
use super::steps::{Step, polls, stand};
use crate::timeline::{StoryError, read_whole};
use crate::visit::Visit;

/// Votes that are looked through for a friend's. The walk is one person's, on their own machine.
const VOTES: u32 = 500;

/// Reads the visitor's walk; `None` where there is none.
pub(super) async fn read(visit: &Visit) -> Result<Option<Walk>, StoryError> {
    if !visit.backend.local_mode {
        return Ok(None);
    }
    let whose = whose(visit).await;
    let own = match whose.id() {
        Some(id) => events_of(visit, id).await?,
        None => Vec::new(),
    };
    let votes = match polls(&own).is_empty() {
        true => Vec::new(),
        false => votes(visit).await?,
    };
    let steps = Step::ALL.map(|step| (step, stand(step, &own, &votes)));
    Ok(Some(Walk {
        whose,
        steps: steps.into(),
    }))
}

/// After a sign-out the walk goes on: it is still that of whoever was signed in, until somebody else is.
async fn whose(visit: &Visit) -> Whose {
    if let Some(login) = &visit.login {
        return Whose::Account(login.user.id.to_string());
    }
    let before = match visit.previous_login {
        // Nobody's walk is the worst that comes of it.
        Some(login) => visit.backend.accounts.owner_of_login(login).await.ok().flatten(),
        None => None,
    };
    match (before, &visit.boot.device) {
        (Some(user), _) => Whose::Left(user.to_string()),
        (None, Some(device)) => Whose::Device(device.clone()),
        (None, None) => Whose::Nobody,
    }
}

/// All events of a person, newest first; none, if nothing has arrived under the ID.
async fn events_of(visit: &Visit, id: &str) -> Result<Vec<ReceivedEvent>, StoryError> {
    match read_whole(visit, Some(id)).await {
        Ok(story) => Ok(story.events),
        Err(StoryError::Refused(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn votes(visit: &Visit) -> Result<Vec<ReceivedEvent>, ReadError> {
    let found = visit
        .backend
        .timeline
        .reader()
        .newest_named(VoteCast::NAME, VOTES)
        .await?;
    Ok(found.iter().filter_map(ReceivedEvent::from_export).collect())
}
