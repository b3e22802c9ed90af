//! Voting.

use forms::{FieldError, VoteDraft, VoteForm};
use uuid::Uuid;

use super::poll::State;
use super::voter::Voter;
use super::{Poll, PollError, Polls, store};
use crate::ids;

/// A vote that is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    /// The vote's ID: the same after a change.
    pub vote: Uuid,
    /// How often it was changed since it was first cast.
    pub changes: i64,
    /// Positions of what is chosen.
    pub choices: Vec<u8>,
}

impl Polls {
    /// Casts the voter's vote, or changes it. The very same vote again changes nothing, and is answered as before.
    pub async fn vote(&self, id: Uuid, voter: &Voter, draft: &VoteDraft) -> Result<Cast, PollError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        store::lock(&mut tx, id).await?;
        let poll = store::poll(&mut tx, id)
            .await?
            .ok_or_else(|| PollError::form(FieldError::NoSuchPoll))?;
        may_vote(&poll.poll, draft, now_ms)?;
        let cast = match store::vote_of(&mut tx, id, voter).await? {
            Some(cast) if cast.choices == draft.choices => return Ok(cast),
            Some(cast) => Cast {
                changes: cast.changes + 1,
                choices: draft.choices.clone(),
                ..cast
            },
            None => Cast {
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

    /// What the voter has chosen; `None`: not voted yet.
    pub async fn vote_of(&self, id: Uuid, voter: &Voter) -> Result<Option<Vec<u8>>, PollError> {
        let mut connection = self.db.pool().acquire().await?;
        let cast = store::vote_of(&mut connection, id, voter).await?;
        Ok(cast.map(|cast| cast.choices))
    }
}

/// Whether this vote fits this poll now.
fn may_vote(poll: &Poll, draft: &VoteDraft, now_ms: i64) -> Result<(), PollError> {
    match poll.state(now_ms) {
        State::Open => {}
        State::Closed(_) => return Err(PollError::form(FieldError::PollIsClosed)),
        State::Deleted => return Err(PollError::form(FieldError::NoSuchPoll)),
    }
    let all_there = draft
        .choices
        .iter()
        .all(|&choice| usize::from(choice) < poll.options.len());
    if draft.revision != poll.edits || !all_there {
        Err(PollError::at(VoteForm::choice, FieldError::PollChanged))
    } else if draft.choices.len() > 1 && !poll.multiple_choice {
        Err(PollError::at(VoteForm::choice, FieldError::OneChoiceOnly))
    } else {
        Ok(())
    }
}
