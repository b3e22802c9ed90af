//! Votes and results in the app's database.

use backend::clock::Clock;
use backend::polls::{Polls, Results};
use db::Db;
use outbox::Wakeup;
use tracking::ConsentDefault;

use super::{Participant, VotesError};

/// The app's database, read with the app's own queries.
pub(crate) struct PollDatabase {
    db: Db,
    polls: Polls,
}

impl PollDatabase {
    pub(crate) async fn open(url: &str) -> Result<Self, VotesError> {
        let db = Db::open(url).await?;
        let polls = Polls::new(db.clone(), Clock::system(), Wakeup::new(), ConsentDefault::Denied);
        Ok(Self { db, polls })
    }

    /// Returns the app's result of a poll.
    pub(crate) async fn results(&self, poll: &str) -> Result<Results, VotesError> {
        let id = poll.parse().map_err(|_| VotesError::NoPoll)?;
        self.polls.results(id).await?.ok_or(VotesError::NoPoll)
    }

    /// Whether the stored vote of the voter is the last accepted one.
    pub(crate) async fn has_last_vote(&self, voter: &Participant) -> Result<bool, VotesError> {
        let id = voter.poll.parse().map_err(|_| VotesError::NoPoll)?;
        let stored = self.polls.vote_of(id, &voter.voter()?).await?;
        Ok(stored == voter.choice.map(|choice| vec![choice]))
    }

    pub(crate) async fn close(&self) {
        self.db.close().await;
    }
}
