//! Reads polls for the pages.

use backend::polls::{ClosedBy, Poll, PollCounts, PollError, PollFilter, PollState, Results};
use tracking::AccountType;
use uuid::Uuid;

use super::model::{OptionView, PollStatus, PollView};
use crate::local_time::UtcTime;
use crate::request::RequestContext;

/// A user's list.
pub(super) struct ListView {
    /// Newest first.
    pub(super) polls: Vec<PollView>,
    /// How many of each state there are.
    pub(super) counts: PollCounts,
}

/// The signed-in user's polls of a state (`open`, `closed`, `deleted`; else all that are not deleted) that have `find` in
/// their question. `None`: signed out.
pub(super) async fn list(
    context: &RequestContext,
    state: &str,
    find: &str,
) -> Result<Option<ListView>, PollError> {
    let Some(login) = &context.login else {
        return Ok(None);
    };
    let shown = match state {
        "open" => PollFilter::Open,
        "closed" => PollFilter::Closed,
        "deleted" => PollFilter::Deleted,
        _ => PollFilter::All,
    };
    let listing = context.backend.polls.list(login.user.id, shown, find).await?;
    let now_ms = context.backend.clock.now_ms();
    // The list shows no counts of options, only the poll's own.
    let view = |poll: Poll| {
        let counts = vec![0; poll.options.len()];
        let results = Results {
            poll,
            counts,
            changes: 0,
        };
        poll_view(&results, now_ms)
    };
    Ok(Some(ListView {
        polls: listing.polls.into_iter().map(view).collect(),
        counts: listing.counts,
    }))
}

/// What the form for a new poll needs to know about its writer.
pub(super) struct NewPollContext {
    /// The writer's plan.
    pub(super) plan: AccountType,
    /// The plan has room for one more open poll.
    pub(super) has_room: bool,
}

/// `None`: signed out.
pub(super) async fn new_poll(context: &RequestContext) -> Result<Option<NewPollContext>, PollError> {
    let Some(login) = &context.login else {
        return Ok(None);
    };
    let polls = &context.backend.polls;
    Ok(Some(NewPollContext {
        plan: polls.plan(login.user.id).await?,
        has_room: polls.check_open_poll_limit(login.user.id).await?.is_ok(),
    }))
}

/// A poll as its owner sees it.
pub(super) struct OwnerView {
    /// The poll.
    pub(super) poll: PollView,
    /// When it closes, in ms since the epoch.
    pub(super) closes_at: Option<i64>,
    /// Where others vote on it.
    pub(super) link: String,
    /// The owner's plan.
    pub(super) plan: AccountType,
}

/// A poll of the signed-in user. `None`: there is none of that ID, or it belongs to another account.
pub(super) async fn own_poll(context: &RequestContext, poll: &str) -> Result<Option<OwnerView>, PollError> {
    let (Some(login), Ok(id)) = (&context.login, Uuid::parse_str(poll)) else {
        return Ok(None);
    };
    let polls = &context.backend.polls;
    let Some(results) = polls.own_poll(login.user.id, id).await? else {
        return Ok(None);
    };
    Ok(Some(OwnerView {
        poll: poll_view(&results, context.backend.clock.now_ms()),
        closes_at: results.poll.closes_at_ms,
        link: format!("{}p/{id}", context.backend.site),
        plan: polls.plan(login.user.id).await?,
    }))
}

/// A poll as a voter sees it.
pub(super) struct Ballot {
    /// The poll.
    pub(super) poll: PollView,
    /// What the voter has chosen, if they have voted.
    pub(super) chosen: Option<Vec<u8>>,
    /// The voter is also its owner.
    pub(super) is_owner: bool,
}

/// A poll to vote on. `None`: there is none. A browser that has no voter token yet is given one with the answer.
pub(super) async fn ballot(context: &RequestContext, poll: &str) -> Result<Option<Ballot>, PollError> {
    let Ok(id) = Uuid::parse_str(poll) else {
        return Ok(None);
    };
    let polls = &context.backend.polls;
    let Some(results) = polls.results(id).await? else {
        return Ok(None);
    };
    let chosen = match context.voter() {
        Some(voter) => polls.vote_of(id, &voter).await?,
        None => None,
    };
    let is_owner = match &context.login {
        Some(login) => polls.own_poll(login.user.id, id).await?.is_some(),
        None => false,
    };
    let poll = poll_view(&results, context.backend.clock.now_ms());
    if poll.status == PollStatus::Open {
        context.offer_voter_token();
    }
    Ok(Some(Ballot {
        poll,
        chosen,
        is_owner,
    }))
}

/// As pages and islands show it.
pub fn poll_view(results: &Results, now_ms: i64) -> PollView {
    let poll = &results.poll;
    let options = poll.options.iter().zip(&results.counts);
    PollView {
        id: poll.id,
        question: poll.question.clone(),
        options: options
            .map(|(label, &votes)| OptionView {
                label: label.clone(),
                votes,
            })
            .collect(),
        multiple_choice: poll.multiple_choice,
        voters: poll.voters,
        status: match poll.state(now_ms) {
            PollState::Open => PollStatus::Open,
            PollState::Closed(ClosedBy::Owner) => PollStatus::ClosedByOwner,
            PollState::Closed(ClosedBy::Time) => PollStatus::ClosedByTime,
            PollState::Deleted => PollStatus::Deleted,
        },
        closes: poll.closes_at_ms.map(UtcTime::minute),
        revision: poll.edits,
        changes: results.changes,
    }
}
