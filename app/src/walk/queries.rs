//! Reads the events that decide the walk: the walker's whole timeline, and the newest votes of all people.

use backend::timeline::ReadError;
use tracking::VoteCast;
use tracking::received::ReceivedEvent;

use super::model::{Walk, Walker};
use super::status::{polls, status};
use super::steps::WalkStep;
use crate::request::RequestContext;
use crate::timeline::{TimelineError, read_whole};

/// Most votes in which a friend's vote is searched for. On a local machine there are few.
const MAX_VOTES: u32 = 500;

/// Reads the visitor's walk; `None` outside of local mode.
pub(super) async fn walk(context: &RequestContext) -> Result<Option<Walk>, TimelineError> {
    if !context.backend.local_mode {
        return Ok(None);
    }
    let walker = walker(context).await;
    let own = match walker.id() {
        Some(id) => events_of(context, id).await?,
        None => Vec::new(),
    };
    let votes = match polls(&own).is_empty() {
        true => Vec::new(),
        false => votes(context).await?,
    };
    let steps = WalkStep::ALL.map(|step| (step, status(step, &own, &votes)));
    Ok(Some(Walk {
        walker,
        steps: steps.into(),
    }))
}

/// After a sign-out the walk continues with the account that was signed in, until another one signs in.
async fn walker(context: &RequestContext) -> Walker {
    if let Some(login) = &context.login {
        return Walker::Account(login.user.id.to_string());
    }
    let before = match context.previous_login {
        // If it cannot be read, the walk is the device's.
        Some(login) => context
            .backend
            .accounts
            .owner_of_login(login)
            .await
            .ok()
            .flatten(),
        None => None,
    };
    match (before, &context.boot.device) {
        (Some(user), _) => Walker::SignedOut(user.to_string()),
        (None, Some(device)) => Walker::Device(device.clone()),
        (None, None) => Walker::Unknown,
    }
}

/// All events of a person, newest first; none, if no event has arrived under the ID.
async fn events_of(context: &RequestContext, id: &str) -> Result<Vec<ReceivedEvent>, TimelineError> {
    match read_whole(context, Some(id)).await {
        Ok(timeline) => Ok(timeline.events),
        Err(TimelineError::Refused(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn votes(context: &RequestContext) -> Result<Vec<ReceivedEvent>, ReadError> {
    let found = context
        .timeline()
        .reader()
        .newest_named(VoteCast::NAME, MAX_VOTES)
        .await?;
    Ok(found.into_iter().filter_map(ReceivedEvent::from_export).collect())
}
