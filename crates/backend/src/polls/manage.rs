//! The owner's actions on an existing poll: edit, close, delete and restore.

use forms::{FieldError, PollDraft};
use tracking::UserId;
use uuid::Uuid;

use super::poll::{ClosedBy, PollState};
use super::store::{self, PollRecord};
use super::{Poll, PollError, Polls, check_closes_in_future, limits};

/// How long a deleted poll can be restored.
const RESTORABLE_MS: i64 = 30 * 24 * 3_600_000;

/// The result of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The poll after the edit. `edits` stays the same if nothing changed.
    pub poll: Poll,
}

/// The result of closing a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Number of voters.
    pub voters: u32,
}

/// The result of deleting a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// How often the poll was deleted, including this time.
    pub deletions: i64,
    /// Number of voters.
    pub voters: u32,
}

/// The result of restoring a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How often the poll was deleted.
    pub deletions: i64,
}

impl Polls {
    /// Changes a poll without votes.
    ///
    /// # Errors
    /// When the poll has votes, is closed or deleted, or belongs to another user, or when the plan does not allow the
    /// closing time.
    pub async fn edit(&self, owner: UserId, id: Uuid, draft: &PollDraft) -> Result<Edited, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let PollRecord { poll, .. } = lock_own_poll(&mut tx, owner, id).await?;
        match poll.state(now_ms) {
            PollState::Open => {}
            PollState::Closed(_) => return Err(PollError::form(FieldError::PollIsClosed)),
            PollState::Deleted => return Err(PollError::form(FieldError::NoSuchPoll)),
        }
        let changed = Poll {
            question: draft.question.clone(),
            options: draft.options.clone(),
            multiple_choice: draft.multiple_choice,
            closes_at_ms: draft.closes_at,
            ..poll.clone()
        };
        if changed == poll {
            return Ok(Edited { poll });
        }
        if poll.voters > 0 {
            return Err(PollError::form(FieldError::PollHasVotes));
        }
        let plan = store::plan(&mut tx, owner)
            .await?
            .ok_or_else(|| PollError::form(FieldError::SignedOut))?;
        limits::check_closing_time(plan, poll.closes_at_ms, changed.closes_at_ms)?;
        check_closes_in_future(changed.closes_at_ms, now_ms)?;
        let edited = Poll {
            edits: poll.edits + 1,
            ..changed
        };
        store::update(&mut tx, &edited).await?;
        store::delete_options(&mut tx, id).await?;
        store::insert_options(&mut tx, id, &edited.options).await?;
        tx.commit().await?;
        Ok(Edited { poll: edited })
    }

    /// Closes a poll permanently. Closing it again succeeds.
    ///
    /// # Errors
    /// When the poll was closed by its closing time, is deleted, or belongs to another user.
    pub async fn close(&self, owner: UserId, id: Uuid) -> Result<Closed, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let PollRecord { poll, .. } = lock_own_poll(&mut tx, owner, id).await?;
        let closed = Closed { voters: poll.voters };
        match poll.state(now_ms) {
            PollState::Open => store::close(&mut tx, id, ClosedBy::Owner, now_ms).await?,
            PollState::Closed(ClosedBy::Owner) => return Ok(closed),
            PollState::Closed(ClosedBy::Time) => return Err(PollError::form(FieldError::PollIsClosed)),
            PollState::Deleted => return Err(PollError::form(FieldError::NoSuchPoll)),
        }
        tx.commit().await?;
        Ok(closed)
    }

    /// Deletes a poll. It can be restored for 30 days. Deleting it again succeeds.
    pub async fn delete(&self, owner: UserId, id: Uuid) -> Result<Deleted, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let PollRecord { poll, deletions, .. } = lock_own_poll(&mut tx, owner, id).await?;
        let deleted = |deletions| Deleted {
            deletions,
            voters: poll.voters,
        };
        if poll.deleted_at_ms.is_some() {
            return Ok(deleted(deletions));
        }
        store::delete(&mut tx, id, now_ms).await?;
        tx.commit().await?;
        Ok(deleted(deletions + 1))
    }

    /// Restores a deleted poll. It is open or closed, as it would be without the deletion. Restoring it again succeeds.
    ///
    /// # Errors
    /// When the poll was deleted more than 30 days ago, or would be open and the plan's limit of open polls is reached.
    pub async fn restore(&self, owner: UserId, id: Uuid) -> Result<Restored, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let plan = store::lock_owner(&mut tx, owner)
            .await?
            .ok_or_else(|| PollError::form(FieldError::SignedOut))?;
        let PollRecord { poll, deletions, .. } = lock_own_poll(&mut tx, owner, id).await?;
        // Retention may already have deleted some of its votes.
        if poll
            .deleted_at_ms
            .is_some_and(|deleted_ms| deleted_ms < now_ms - RESTORABLE_MS)
        {
            return Err(PollError::form(FieldError::NoSuchPoll));
        }
        if poll.deleted_at_ms.is_none() {
            return match deletions {
                0 => Err(PollError::form(FieldError::NoSuchPoll)),
                deletions => Ok(Restored { deletions }),
            };
        }
        let restored = Poll {
            deleted_at_ms: None,
            ..poll
        };
        if restored.state(now_ms) == PollState::Open {
            limits::check_open_polls(plan, store::counts(&mut tx, owner, now_ms).await?.open)?;
        }
        store::restore(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Restored { deletions })
    }
}

/// Locks and returns the owner's poll.
async fn lock_own_poll(tx: &mut db::Connection, owner: UserId, id: Uuid) -> Result<PollRecord, PollError> {
    store::lock(tx, id).await?;
    let found = store::poll(tx, id).await?.filter(|found| found.owner == owner);
    found.ok_or_else(|| PollError::form(FieldError::NoSuchPoll))
}
