//! What an owner does with a poll that is there: edit, close, delete, restore.

use forms::{FieldError, PollDraft};
use tracking::UserId;
use uuid::Uuid;

use super::poll::{ClosedBy, State};
use super::store::{self, Found};
use super::{Poll, PollError, Polls, limits, not_passed};

/// How long a deleted poll can be restored.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// A poll as it was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// As it is now. Its `edits` are 0 if there was nothing to change, ever.
    pub poll: Poll,
}

/// A poll that its owner closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// People who voted.
    pub voters: u32,
}

/// A poll that was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// How often it was deleted so far.
    pub deletions: i64,
    /// People who had voted.
    pub voters: u32,
}

/// A poll that was brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How often it had been deleted.
    pub deletions: i64,
}

impl Polls {
    /// Changes a poll on which nobody has voted.
    pub async fn edit(&self, owner: UserId, id: Uuid, draft: &PollDraft) -> Result<Edited, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let Found { poll, .. } = owned(&mut tx, owner, id).await?;
        match poll.state(now_ms) {
            State::Open => {}
            State::Closed(_) => return Err(PollError::form(FieldError::PollIsClosed)),
            State::Deleted => return Err(PollError::form(FieldError::NoSuchPoll)),
        }
        let wished = Poll {
            question: draft.question.clone(),
            options: draft.options.clone(),
            multiple_choice: draft.multiple_choice,
            closes_at: draft.closes_at,
            ..poll.clone()
        };
        if wished == poll {
            return Ok(Edited { poll });
        }
        if poll.voters > 0 {
            return Err(PollError::form(FieldError::PollHasVotes));
        }
        let plan = store::plan(&mut tx, owner)
            .await?
            .ok_or_else(|| PollError::form(FieldError::SignedOut))?;
        limits::may_close_at(plan, poll.closes_at, wished.closes_at)?;
        not_passed(wished.closes_at, now_ms)?;
        let edited = Poll {
            edits: poll.edits + 1,
            ..wished
        };
        store::update(&mut tx, &edited).await?;
        store::delete_options(&mut tx, id).await?;
        store::insert_options(&mut tx, id, &edited.options).await?;
        tx.commit().await?;
        Ok(Edited { poll: edited })
    }

    /// Closes a poll for good. One that its time has closed is closed already.
    pub async fn close(&self, owner: UserId, id: Uuid) -> Result<Closed, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let Found { poll, .. } = owned(&mut tx, owner, id).await?;
        let closed = Closed { voters: poll.voters };
        match poll.state(now_ms) {
            State::Open => store::close(&mut tx, id, ClosedBy::Owner, now_ms).await?,
            State::Closed(ClosedBy::Owner) => return Ok(closed),
            State::Closed(ClosedBy::Time) => return Err(PollError::form(FieldError::PollIsClosed)),
            State::Deleted => return Err(PollError::form(FieldError::NoSuchPoll)),
        }
        tx.commit().await?;
        Ok(closed)
    }

    /// Deletes a poll; for 30 days it can be restored.
    pub async fn delete(&self, owner: UserId, id: Uuid) -> Result<Deleted, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let Found { poll, deletions, .. } = owned(&mut tx, owner, id).await?;
        let deleted = |deletions| Deleted {
            deletions,
            voters: poll.voters,
        };
        if poll.deleted_at.is_some() {
            return Ok(deleted(deletions));
        }
        store::delete(&mut tx, id, now_ms).await?;
        tx.commit().await?;
        Ok(deleted(deletions + 1))
    }

    /// Brings a deleted poll back, open or closed as it would be by now. An open one needs its room in the plan.
    pub async fn restore(&self, owner: UserId, id: Uuid) -> Result<Restored, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let plan = store::lock_owner(&mut tx, owner)
            .await?
            .ok_or_else(|| PollError::form(FieldError::SignedOut))?;
        let Found { poll, deletions, .. } = owned(&mut tx, owner, id).await?;
        if poll.deleted_at.is_none() {
            return match deletions {
                0 => Err(PollError::form(FieldError::NoSuchPoll)),
                deletions => Ok(Restored { deletions }),
            };
        }
        let back = Poll {
            deleted_at: None,
            ..poll
        };
        if back.state(now_ms) == State::Open {
            limits::may_open(plan, store::counts(&mut tx, owner, now_ms).await?.open)?;
        }
        store::restore(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Restored { deletions })
    }

    /// Removes, for good, polls that were deleted 30 days ago.
    pub async fn clean_up(&self) -> Result<(), sqlx::Error> {
        store::purge(self.db.pool(), self.clock.now_ms() - KEPT_MS).await
    }
}

/// One's own poll, under its lock.
async fn owned(tx: &mut db::Connection, owner: UserId, id: Uuid) -> Result<Found, PollError> {
    store::lock(tx, id).await?;
    let found = store::poll(tx, id).await?.filter(|found| found.owner == owner);
    found.ok_or_else(|| PollError::form(FieldError::NoSuchPoll))
}
