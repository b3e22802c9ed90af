//! Votes: casting and changing them.

use forms::{FieldError, VoteDraft, VoteForm};
use uuid::Uuid;

use super::poll::PollState;
use super::voter::Voter;
use super::{Poll, PollError, Polls, store};
use crate::ids;

/// A stored vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CastVote {
    /// The vote's ID. It stays the same after a change.
    pub vote: Uuid,
    /// How often the vote was changed.
    pub changes: i64,
    /// Positions of the chosen options.
    pub choices: Vec<u8>,
}

impl Polls {
    /// Casts or changes the vote of a voter. Repeating the same vote changes nothing.
    ///
    /// # Errors
    /// When the poll is closed, deleted or unknown, or when the choices do not fit the poll.
    pub async fn vote(&self, id: Uuid, voter: &Voter, draft: &VoteDraft) -> Result<CastVote, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        store::lock(&mut tx, id).await?;
        let poll = store::poll(&mut tx, id)
            .await?
            .ok_or_else(|| PollError::form(FieldError::NoSuchPoll))?;
        check_vote(&poll.poll, draft, now_ms)?;
        let cast = match store::vote_of(&mut tx, id, voter).await? {
            Some(cast) if cast.choices == draft.choices => return Ok(cast),
            Some(cast) => CastVote {
                changes: cast.changes + 1,
                choices: draft.choices.clone(),
                ..cast
            },
            None => CastVote {
                vote: ids::row(),
                changes: 0,
                choices: draft.choices.clone(),
            },
        };
        if cast.changes == 0 {
            store::insert_vote(&mut tx, id, voter, &cast, now_ms).await?;
        } else {
            store::change_vote(&mut tx, &cast, now_ms).await?;
        }
        store::insert_choices(&mut tx, &cast).await?;
        tx.commit().await?;
        Ok(cast)
    }

    /// Returns the positions of the voter's choices; `None` if the voter has not voted.
    pub async fn vote_of(&self, id: Uuid, voter: &Voter) -> Result<Option<Vec<u8>>, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let cast = store::vote_of(&mut connection, id, voter).await?;
        Ok(cast.map(|cast| cast.choices))
    }
}

/// Checks whether the vote fits the poll's state, edits and options.
fn check_vote(poll: &Poll, draft: &VoteDraft, now_ms: i64) -> Result<(), PollError> {
    match poll.state(now_ms) {
        PollState::Open => {}
        PollState::Closed(_) => return Err(PollError::form(FieldError::PollIsClosed)),
        PollState::Deleted => return Err(PollError::form(FieldError::NoSuchPoll)),
    }
    let choices_exist = draft
        .choices
        .iter()
        .all(|&choice| usize::from(choice) < poll.options.len());
    if draft.revision != poll.edits || !choices_exist {
        Err(PollError::at(VoteForm::choice, FieldError::PollChanged))
    } else if draft.choices.len() > 1 && !poll.multiple_choice {
        Err(PollError::at(VoteForm::choice, FieldError::OneChoiceOnly))
    } else {
        Ok(())
    }
}
