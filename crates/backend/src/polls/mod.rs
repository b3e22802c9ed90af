//! Polls: make, edit, close, delete and restore them, vote, and look at what came of it.
//!
//! Each verb is one transaction. Whoever changes a poll or votes on it writes the poll's row first and so waits for others
//! who do; where the owner's plan has a say, the owner's row comes before that. The feature events of these verbs are
//! the browser's, after they have returned, so nothing is enqueued here but `Poll expiration`, for which no browser is
//! there. A verb that is called again with the same wish answers as it did the first time.

mod closing;
mod export;
mod limits;
mod live;
mod manage;
mod poll;
mod store;
mod vote;
mod voter;

pub use export::csv;
pub use limits::{FREE_OPEN_POLLS, Refusal};
pub use manage::{Closed, Deleted, Edited, Restored};
pub use poll::{ClosedBy, Poll, Results, State};
pub use vote::Cast;
pub(crate) use voter::adopt;
pub use voter::{Voter, VoterToken};

use db::Db;
use forms::{Field, FieldError, FieldErrors, PollDraft, PollForm};
use outbox::Nudge;
use tracking::{AccountType, ConsentDefault, UserId};
use uuid::Uuid;

use crate::clock::Clock;
use crate::ids;
use live::Live;

/// Why a verb did nothing.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The person is at fault, or their plan; the page says where.
    #[error("the form has faults")]
    FieldErrors(FieldErrors),
    /// We are.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl PollError {
    fn at(field: Field, problem: FieldError) -> Self {
        Self::FieldErrors(FieldErrors::one(field, problem))
    }

    fn form(problem: FieldError) -> Self {
        Self::at(Field::FORM, problem)
    }
}

/// Which of one's polls a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// All that are not deleted.
    #[default]
    All,
    /// Those that take votes.
    Open,
    /// Those that no longer do.
    Closed,
    /// Those that can be restored.
    Deleted,
}

/// A person's polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Newest first, 200 at most.
    pub polls: Vec<Poll>,
    /// How many there are of each state, found or not.
    pub counts: Counts,
    /// What the account may use.
    pub plan: AccountType,
}

/// Polls of a person by their state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open ones.
    pub open: u32,
    /// Closed ones.
    pub closed: u32,
    /// Deleted ones.
    pub deleted: u32,
}

/// The verbs. Cheap to clone.
#[derive(Clone)]
pub struct Polls {
    db: Db,
    clock: Clock,
    nudge: Nudge,
    consent_default: ConsentDefault,
    live: Live,
}

/// Most polls that a list shows.
const LISTED: i64 = 200;

impl Polls {
    /// Over this database; `nudge` wakes the outbox after a poll's time has come. `consent_default`: whether an owner who
    /// chose nothing is tracked.
    pub fn new(db: Db, clock: Clock, nudge: Nudge, consent_default: ConsentDefault) -> Self {
        Self {
            live: Live::new(db.clone()),
            db,
            clock,
            nudge,
            consent_default,
        }
    }

    /// Makes the poll, if the owner's plan has room for it. `form` names the form that was filled in: sent twice, it makes
    /// one poll, and the same one is answered.
    pub async fn create(&self, owner: UserId, draft: &PollDraft, form: Uuid) -> Result<Poll, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let plan = store::lock_owner(&mut tx, owner)
            .await?
            .ok_or_else(|| PollError::form(FieldError::SignedOut))?;
        if let Some(made) = store::made_by(&mut tx, owner, form).await? {
            return Ok(made);
        }
        limits::may_close_at(plan, None, draft.closes_at)?;
        not_passed(draft.closes_at, now_ms)?;
        limits::may_open(plan, store::counts(&mut tx, owner, now_ms).await?.open)?;
        let poll = Poll {
            id: ids::link(),
            question: draft.question.clone(),
            options: draft.options.clone(),
            multiple_choice: draft.multiple_choice,
            created_at: now_ms,
            closes_at: draft.closes_at,
            closed: None,
            deleted_at: None,
            edits: 0,
            voters: 0,
        };
        store::insert(&mut tx, owner, &poll, form).await?;
        store::insert_options(&mut tx, poll.id, &poll.options).await?;
        tx.commit().await?;
        Ok(poll)
    }

    /// The person's polls whose question has `find` in it, whatever the case.
    pub async fn list(&self, owner: UserId, shown: Shown, find: &str) -> Result<Listing, PollError> {
        let now_ms = self.clock.now_ms();
        let mut connection = self.db.pool().acquire().await?;
        let plan = store::plan(&mut connection, owner)
            .await?
            .unwrap_or(AccountType::Free);
        Ok(Listing {
            polls: store::by_owner(&mut connection, owner, shown, find, now_ms, LISTED).await?,
            counts: store::counts(&mut connection, owner, now_ms).await?,
            plan,
        })
    }

    /// One's own poll; `None`: there is none, or it is somebody else's.
    pub async fn own(&self, owner: UserId, id: Uuid) -> Result<Option<Results>, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let found = store::results(&mut connection, id).await?;
        Ok(found
            .filter(|found| found.owner == owner)
            .map(|found| found.results))
    }

    /// A poll and its results, for everybody who has its link; `None`: there is none, or it is deleted.
    pub async fn results(&self, id: Uuid) -> Result<Option<Results>, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let found = store::results(&mut connection, id).await?;
        Ok(found
            .map(|found| found.results)
            .filter(|results| results.poll.deleted_at.is_none()))
    }

    /// What the account may use.
    pub async fn plan(&self, owner: UserId) -> Result<AccountType, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let plan = store::plan(&mut connection, owner).await?;
        Ok(plan.unwrap_or(AccountType::Free))
    }

    /// Whether a new poll of this person would be refused, and why.
    pub async fn room(&self, owner: UserId) -> Result<Result<(), Refusal>, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let plan = store::plan(&mut connection, owner)
            .await?
            .unwrap_or(AccountType::Free);
        let counts = store::counts(&mut connection, owner, self.clock.now_ms()).await?;
        Ok(limits::may_open(plan, counts.open))
    }

    /// The results of one's own poll, to be taken away; refused on Free.
    pub async fn export(&self, owner: UserId, id: Uuid) -> Result<Results, PollError> {
        let results = self
            .own(owner, id)
            .await?
            .ok_or_else(|| PollError::form(FieldError::NoSuchPoll))?;
        limits::may_export(self.plan(owner).await?)?;
        Ok(results)
    }

    /// The results of a poll whenever they have changed. However many ask, the database is read once a second at most.
    pub fn follow(&self, id: Uuid) -> live::Updates {
        self.live.follow(id)
    }
}

/// A poll cannot close in the past.
fn not_passed(closes_at: Option<i64>, now_ms: i64) -> Result<(), PollError> {
    match closes_at {
        Some(closes_at) if closes_at <= now_ms => Err(PollError::at(PollForm::closes_at, FieldError::MomentPassed)),
        _ => Ok(()),
    }
}
