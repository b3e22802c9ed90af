//! Reading what the walk is decided by: the walker's whole timeline, and the newest votes of all people.

use backend::timeline::ReadError;
use tracking::VoteCast;
use tracking::received::ReceivedEvent;

use super::model::{Walk, Walker};
use super::status::{polls, status};
use super::steps::Step;
use crate::timeline::{TimelineError, read_whole};
use crate::visit::Visit;

/// Most votes in which a friend's vote is searched for. On a local machine there are few.
const MAX_VOTES: u32 = 500;

/// Reads the visitor's walk; `None` outside of local mode.
pub(super) async fn walk(visit: &Visit) -> Result<Option<Walk>, TimelineError> {
    if !visit.backend.local_mode {
        return Ok(None);
    }
    let walker = walker(visit).await;
    let own = match walker.id() {
        Some(id) => events_of(visit, id).await?,
        None => Vec::new(),
    };
    let votes = match polls(&own).is_empty() {
        true => Vec::new(),
        false => votes(visit).await?,
    };
    let steps = Step::ALL.map(|step| (step, status(step, &own, &votes)));
    Ok(Some(Walk {
        walker,
        steps: steps.into(),
    }))
}

/// After a sign-out the walk continues with the account that was signed in, until another one signs in.
async fn walker(visit: &Visit) -> Walker {
    if let Some(login) = &visit.login {
        return Walker::Account(login.user.id.to_string());
    }
    let before = match visit.previous_login {
        // If it cannot be read, the walk is the device's.
        Some(login) => visit.backend.accounts.owner_of_login(login).await.ok().flatten(),
        None => None,
    };
    match (before, &visit.boot.device) {
        (Some(user), _) => Walker::SignedOut(user.to_string()),
        (None, Some(device)) => Walker::Device(device.clone()),
        (None, None) => Walker::Unknown,
    }
}

/// All events of a person, newest first; none, if no event has arrived under the ID.
async fn events_of(visit: &Visit, id: &str) -> Result<Vec<ReceivedEvent>, TimelineError> {
    match read_whole(visit, Some(id)).await {
        Ok(timeline) => Ok(timeline.events),
        Err(TimelineError::Refused(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn votes(visit: &Visit) -> Result<Vec<ReceivedEvent>, ReadError> {
    let found = visit
        .backend
        .timeline
        .reader()
        .newest_named(VoteCast::NAME, MAX_VOTES)
        .await?;
    Ok(found.iter().filter_map(ReceivedEvent::from_export).collect())
}
