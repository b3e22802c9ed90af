//! Polls: create, edit, close, delete, restore, vote, and read results.
//!
//! Each action is one transaction. An action that changes a poll or votes on it first writes the poll's row, which
//! locks it. An action that depends on the owner's plan locks the owner's row before that. The browser sends the
//! feature events of these actions after they succeed. This module enqueues only `Poll expiration`, which happens
//! without a browser. Repeating an action with the same input returns the first result.

mod closing;
mod csv;
mod limits;
mod live_results;
mod manage;
mod poll;
mod store;
mod vote;
mod voter;

pub use csv::results_csv;
pub use limits::{FREE_OPEN_POLLS, PlanLimit};
pub use manage::{Closed, Deleted, Edited, Restored};
pub use poll::{ClosedBy, Poll, PollState, Results};
pub use vote::CastVote;
pub(crate) use voter::transfer_votes;
pub use voter::{Voter, VoterToken};

use db::Db;
use forms::{Field, FieldError, FieldErrors, PollDraft, PollForm};
use outbox::Wakeup;
use tracking::{AccountType, ConsentDefault, UserId};
use uuid::Uuid;

use crate::clock::Clock;
use crate::ids;
use live_results::LiveResults;

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The form is invalid, or the plan refuses the action. The page shows the errors.
    #[error("the form is invalid")]
    FieldErrors(FieldErrors),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl PollError {
    fn at(field: Field, error: FieldError) -> Self {
        Self::FieldErrors(FieldErrors::one(field, error))
    }

    fn form(error: FieldError) -> Self {
        Self::at(Field::FORM, error)
    }
}

/// Which polls a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PollFilter {
    /// All polls that are not deleted.
    #[default]
    All,
    /// Polls that take votes.
    Open,
    /// Polls that no longer take votes.
    Closed,
    /// Polls that can be restored.
    Deleted,
}

/// A list of a user's polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollList {
    /// Newest first, 200 at most.
    pub polls: Vec<Poll>,
    /// The number of the user's polls in each state, regardless of the filter.
    pub counts: PollCounts,
}

/// The number of a user's polls in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollCounts {
    /// Open polls.
    pub open: u32,
    /// Closed polls.
    pub closed: u32,
    /// Deleted polls.
    pub deleted: u32,
}

/// The actions on polls. Cheap to clone.
#[derive(Clone)]
pub struct Polls {
    db: Db,
    clock: Clock,
    wakeup: Wakeup,
    consent_default: ConsentDefault,
    live: LiveResults,
}

/// Polls that a list shows at most.
const MAX_LISTED: i64 = 200;

impl Polls {
    /// Creates the actions on this database. `wakeup` wakes the outbox's dispatcher. `consent_default` applies to
    /// owners without a consent choice.
    pub fn new(db: Db, clock: Clock, wakeup: Wakeup, consent_default: ConsentDefault) -> Self {
        Self {
            live: LiveResults::new(db.clone()),
            db,
            clock,
            wakeup,
            consent_default,
        }
    }

    /// Creates a poll. `form` identifies the submitted form: submitting it again returns the same poll.
    ///
    /// # Errors
    /// When the plan's limit of open polls is reached, or when the plan does not allow the closing time.
    pub async fn create(&self, owner: UserId, draft: &PollDraft, form: Uuid) -> Result<Poll, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let plan = store::lock_owner(&mut tx, owner)
            .await?
            .ok_or_else(|| PollError::form(FieldError::SignedOut))?;
        if let Some(existing) = store::created_by_form(&mut tx, owner, form).await? {
            return Ok(existing);
        }
        limits::check_closing_time(plan, None, draft.closes_at)?;
        check_closes_in_future(draft.closes_at, now_ms)?;
        limits::check_open_polls(plan, store::counts(&mut tx, owner, now_ms).await?.open)?;
        let poll = Poll {
            id: ids::link(),
            question: draft.question.clone(),
            options: draft.options.clone(),
            multiple_choice: draft.multiple_choice,
            created_at_ms: now_ms,
            closes_at_ms: draft.closes_at,
            closed: None,
            deleted_at_ms: None,
            edits: 0,
            voters: 0,
        };
        store::insert(&mut tx, owner, &poll, form).await?;
        store::insert_options(&mut tx, poll.id, &poll.options).await?;
        tx.commit().await?;
        Ok(poll)
    }

    /// Returns the user's polls whose question contains `find`, ignoring case.
    pub async fn list(&self, owner: UserId, filter: PollFilter, find: &str) -> Result<PollList, PollError> {
        let now_ms = self.clock.now_ms();
        let mut connection = self.db.pool().acquire().await?;
        let (polls, counts) = store::list(&mut connection, owner, filter, find, now_ms, MAX_LISTED).await?;
        Ok(PollList { polls, counts })
    }

    /// Returns a poll of `owner` with its results; `None` if it does not exist or belongs to another user.
    pub async fn own_poll(&self, owner: UserId, id: Uuid) -> Result<Option<Results>, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let found = store::results(&mut connection, id).await?;
        Ok(found
            .filter(|found| found.owner == owner)
            .map(|found| found.results))
    }

    /// Returns a poll with its results, for anyone with its link; `None` if it does not exist or is deleted.
    pub async fn results(&self, id: Uuid) -> Result<Option<Results>, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let found = store::results(&mut connection, id).await?;
        Ok(found
            .map(|found| found.results)
            .filter(|results| results.poll.deleted_at_ms.is_none()))
    }

    /// Returns the plan of the account.
    pub async fn plan(&self, owner: UserId) -> Result<AccountType, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let plan = store::plan(&mut connection, owner).await?;
        Ok(plan.unwrap_or(AccountType::Free))
    }

    /// Checks whether the user may open another poll.
    pub async fn check_open_poll_limit(&self, owner: UserId) -> Result<Result<(), PlanLimit>, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let plan = store::plan(&mut connection, owner)
            .await?
            .unwrap_or(AccountType::Free);
        let counts = store::counts(&mut connection, owner, self.clock.now_ms()).await?;
        Ok(limits::check_open_polls(plan, counts.open))
    }

    /// Returns the results of the owner's poll for an export.
    ///
    /// # Errors
    /// When the plan does not include exports, or when the poll does not exist or belongs to another user.
    pub async fn export(&self, owner: UserId, id: Uuid) -> Result<Results, PollError> {
        let results = self
            .own_poll(owner, id)
            .await?
            .ok_or_else(|| PollError::form(FieldError::NoSuchPoll))?;
        limits::check_export(self.plan(owner).await?)?;
        Ok(results)
    }

    /// Subscribes to the results of a poll. Per poll, the database is read at most once a second.
    pub fn subscribe(&self, id: Uuid) -> live_results::ResultUpdates {
        self.live.subscribe(id)
    }
}

/// Fails if the closing time is not in the future.
fn check_closes_in_future(closes_at_ms: Option<i64>, now_ms: i64) -> Result<(), PollError> {
    match closes_at_ms {
        Some(closes_at_ms) if closes_at_ms <= now_ms => {
            Err(PollError::at(PollForm::closes_at, FieldError::MomentPassed))
        }
        _ => Ok(()),
    }
}
