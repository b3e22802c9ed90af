//! What is done with polls: the same for a server function and for a form post. Each calls one verb of the backend, and
//! tells the event of what was done, which the page that asked or a later one fires.

use backend::polls::{ClosedBy, Counts, Poll, PollError, Results, Shown, State, csv};
use forms::{Faults, Field, PollForm, Problem, VoteForm};
use leptos::prelude::ServerFnError;
use tracking::{
    ClientEvent, ExportFormat, InsertId, PollClosed, PollCreated, PollDeleted, PollEdited, PollRestored,
    ResultsExported, UserId, VoteCast,
};
use uuid::Uuid;

use super::model::{
    ActionForm, Ballot, Desk, ExportFile, ListView, Mine, OptionView, OwnPoll, PollView, Standing, Told,
    Voted,
};
use crate::visit::{self, Visit};

/// Makes a poll.
pub async fn create(visit: &Visit, form: &PollForm, id: Uuid) -> Result<Told, Faults> {
    let owner = signed_in(visit)?;
    let draft = form.check()?;
    let poll = visit
        .backend
        .polls
        .create(owner, &draft, id)
        .await
        .map_err(faults)?;
    let created = PollCreated {
        poll_id: poll.id,
        option_count: number(poll.options.len()),
        multiple_choice: poll.multiple_choice,
        has_closing_time: poll.closes_at.is_some(),
    };
    Ok(tell(visit, InsertId::of("poll-created", poll.id), created))
}

/// Changes a poll; `None`: there was nothing to change.
pub async fn edit(visit: &Visit, poll: &str, form: &PollForm) -> Result<Option<Told>, Faults> {
    let owner = signed_in(visit)?;
    let draft = form.check()?;
    let edited = visit.backend.polls.edit(owner, id(poll)?, &draft).await;
    let poll = edited.map_err(faults)?.poll;
    let event = PollEdited {
        poll_id: poll.id,
        option_count: number(poll.options.len()),
        multiple_choice: poll.multiple_choice,
        has_closing_time: poll.closes_at.is_some(),
    };
    let insert_id = InsertId::of("poll-edited", format_args!("{}:{}", poll.id, poll.edits));
    Ok((poll.edits > 0).then(|| tell(visit, insert_id, event)))
}

/// Closes, deletes or restores a poll.
pub async fn act(visit: &Visit, form: &ActionForm) -> Result<Told, Faults> {
    let owner = signed_in(visit)?;
    let poll_id = id(&form.poll)?;
    let polls = &visit.backend.polls;
    let (insert_id, event): (InsertId, ClientEvent) = match form.action.as_str() {
        "close" => {
            let closed = polls.close(owner, poll_id).await.map_err(faults)?;
            let event = PollClosed {
                poll_id,
                vote_count: closed.voters,
            };
            (InsertId::of("poll-closed", poll_id), event.into())
        }
        "delete" => {
            let deleted = polls.delete(owner, poll_id).await.map_err(faults)?;
            let event = PollDeleted {
                poll_id,
                vote_count: deleted.voters,
            };
            let which = format!("{poll_id}:{}", deleted.deletions);
            (InsertId::of("poll-deleted", which), event.into())
        }
        "restore" => {
            let restored = polls.restore(owner, poll_id).await.map_err(faults)?;
            let which = format!("{poll_id}:{}", restored.deletions);
            (
                InsertId::of("poll-restored", which),
                PollRestored { poll_id }.into(),
            )
        }
        // No button of ours says anything else.
        _ => return Err(Faults::one(Field::Form, Problem::NoSuchPoll)),
    };
    Ok(tell(visit, insert_id, event))
}

/// The results of a poll as a file. Each export is an event of its own.
pub async fn export(visit: &Visit, poll: &str) -> Result<ExportFile, Faults> {
    let owner = signed_in(visit)?;
    let results = visit
        .backend
        .polls
        .export(owner, id(poll)?)
        .await
        .map_err(faults)?;
    let event = ResultsExported {
        poll_id: results.poll.id,
        format: ExportFormat::Csv,
        vote_count: results.poll.voters,
    };
    Ok(ExportFile {
        told: tell(
            visit,
            InsertId::of("results-exported", backend::ids::random()),
            event,
        ),
        name: format!("poll-{}.csv", results.poll.id),
        csv: csv(&results),
    })
}

/// Casts a vote, or changes it.
pub async fn vote(visit: &Visit, poll: &str, form: &VoteForm) -> Result<Voted, Faults> {
    let poll_id = id(poll)?;
    let draft = form.check()?;
    let voter = visit.voter().ok_or_else(|| {
        // The answer brings the cookie; whoever keeps it votes with the next try.
        visit.offer_voter_token();
        Faults::one(Field::Form, Problem::NoVoterCookie)
    })?;
    let cast = visit
        .backend
        .polls
        .vote(poll_id, &voter, &draft)
        .await
        .map_err(faults)?;
    let event = VoteCast {
        poll_id,
        choice_count: number(cast.choices.len()),
        changed: cast.changes > 0,
    };
    let insert_id = InsertId::of("vote-cast", format_args!("{}:{}", cast.vote, cast.changes));
    let told = tell(visit, insert_id, event);
    let ballot = look(visit, poll_id).await.map_err(faults)?;
    let ballot = ballot.ok_or_else(|| Faults::one(Field::Form, Problem::NoSuchPoll))?;
    Ok(Voted { told, ballot })
}

pub(super) async fn mine(visit: &Visit, state: &str, find: &str) -> Result<Mine<ListView>, ServerFnError> {
    let Some(login) = &visit.login else {
        return Ok(Mine::SignedOut);
    };
    let shown = match state {
        "open" => Shown::Open,
        "closed" => Shown::Closed,
        "deleted" => Shown::Deleted,
        _ => Shown::All,
    };
    let now_ms = visit.backend.clock.now_ms();
    let listing = visit.backend.polls.list(login.user.id, shown, find).await;
    let listing = listing.map_err(|error| unreadable(&error))?;
    let Counts {
        open,
        closed,
        deleted,
    } = listing.counts;
    // The list shows no counts of options, only the poll's own.
    let view = |poll: Poll| {
        let counts = vec![0; poll.options.len()];
        poll_view(&Results { poll, counts }, now_ms)
    };
    Ok(Mine::Here(ListView {
        polls: listing.polls.into_iter().map(view).collect(),
        open,
        closed,
        deleted,
    }))
}

pub(super) async fn desk(visit: &Visit) -> Result<Option<Desk>, ServerFnError> {
    let Some(login) = &visit.login else {
        return Ok(None);
    };
    let polls = &visit.backend.polls;
    let plan = polls
        .plan(login.user.id)
        .await
        .map_err(|error| unreadable(&error))?;
    let room = polls
        .room(login.user.id)
        .await
        .map_err(|error| unreadable(&error))?;
    Ok(Some(Desk {
        plan,
        room: room.is_ok(),
    }))
}

pub(super) async fn own(visit: &Visit, poll: &str) -> Result<Mine<OwnPoll>, ServerFnError> {
    let Some(login) = &visit.login else {
        return Ok(Mine::SignedOut);
    };
    let polls = &visit.backend.polls;
    let found = match Uuid::parse_str(poll) {
        Ok(id) => polls
            .own(login.user.id, id)
            .await
            .map_err(|error| unreadable(&error))?,
        Err(_) => None,
    };
    let Some(results) = found else {
        visit.nothing_here();
        return Ok(Mine::NotFound);
    };
    let poll = poll_view(&results, visit.backend.clock.now_ms());
    Ok(Mine::Here(OwnPoll {
        link: format!("{}p/{}", visit.backend.site, poll.id),
        poll,
        plan: polls
            .plan(login.user.id)
            .await
            .map_err(|error| unreadable(&error))?,
    }))
}

pub(super) async fn ballot(visit: &Visit, poll: &str) -> Result<Option<Ballot>, ServerFnError> {
    let found = match Uuid::parse_str(poll) {
        Ok(id) => look(visit, id).await.map_err(|error| unreadable(&error))?,
        Err(_) => None,
    };
    match &found {
        Some(ballot) if ballot.poll.standing == Standing::Open => visit.offer_voter_token(),
        Some(_) => {}
        None => visit.nothing_here(),
    }
    Ok(found)
}

/// The poll, and what this voter has chosen.
async fn look(visit: &Visit, id: Uuid) -> Result<Option<Ballot>, PollError> {
    let polls = &visit.backend.polls;
    let Some(results) = polls.results(id).await? else {
        return Ok(None);
    };
    let mine = match visit.voter() {
        Some(voter) => polls.vote_of(id, &voter).await?,
        None => None,
    };
    let is_owner = match &visit.login {
        Some(login) => polls.own(login.user.id, id).await?.is_some(),
        None => false,
    };
    Ok(Some(Ballot {
        poll: poll_view(&results, visit.backend.clock.now_ms()),
        mine,
        is_owner,
    }))
}

/// As pages show it.
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
        standing: match poll.state(now_ms) {
            State::Open => Standing::Open,
            State::Closed(ClosedBy::Owner) => Standing::ClosedByOwner,
            State::Closed(ClosedBy::Time) => Standing::ClosedByTime,
            State::Deleted => Standing::Deleted,
        },
        closes_at: poll.closes_at,
        revision: poll.edits,
    }
}

fn signed_in(visit: &Visit) -> Result<UserId, Faults> {
    let login = visit.login.as_ref();
    login
        .map(|login| login.user.id)
        .ok_or_else(|| Faults::one(Field::Form, Problem::SignedOut))
}

fn id(poll: &str) -> Result<Uuid, Faults> {
    Uuid::parse_str(poll).map_err(|_| Faults::one(Field::Form, Problem::NoSuchPoll))
}

/// The page may be gone before it hears of this.
fn tell(visit: &Visit, insert_id: InsertId, event: impl Into<ClientEvent>) -> Told {
    let event = event.into();
    visit.confirm(insert_id.clone(), event.clone());
    Told { event, insert_id }
}

fn faults(error: PollError) -> Faults {
    match error {
        PollError::Faults(faults) => faults,
        error => visit::internal(&error),
    }
}

fn unreadable(error: &PollError) -> ServerFnError {
    tracing::error!(error = error as &dyn std::error::Error, "cannot read polls");
    ServerFnError::new("Polls cannot be read right now.")
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
