//! A poll and its results.

use uuid::Uuid;

/// A poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The poll's ID. The poll's link contains it, and anyone with the link may vote.
    pub id: Uuid,
    /// The question.
    pub question: String,
    /// The options, in the owner's order.
    pub options: Vec<String>,
    /// Whether a voter may choose several options.
    pub multiple_choice: bool,
    /// When it was created, in ms since the epoch.
    pub created_at_ms: i64,
    /// The closing time, in ms since the epoch.
    pub closes_at_ms: Option<i64>,
    /// How it was closed; `None` if it was not closed yet.
    pub closed: Option<ClosedBy>,
    /// When it was deleted, in ms since the epoch.
    pub deleted_at_ms: Option<i64>,
    /// Number of edits.
    pub edits: i64,
    /// Number of voters.
    pub voters: u32,
}

/// How a poll was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// By its owner.
    Owner,
    /// By its closing time.
    Time,
}

/// The state of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollState {
    /// The poll takes votes.
    Open,
    /// The poll takes no more votes.
    Closed(ClosedBy),
    /// The poll is deleted. Its owner can restore it for 30 days.
    Deleted,
}

impl Poll {
    /// The state at `now_ms` (ms since the epoch). A poll is closed from its closing time on, even before the scheduler
    /// has closed it.
    pub fn state(&self, now_ms: i64) -> PollState {
        match (self.deleted_at_ms, self.closed, self.closes_at_ms) {
            (Some(_), _, _) => PollState::Deleted,
            (None, Some(by), _) => PollState::Closed(by),
            (None, None, Some(closes_at_ms)) if closes_at_ms <= now_ms => PollState::Closed(ClosedBy::Time),
            (None, None, _) => PollState::Open,
        }
    }
}

/// A poll with its vote counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// The poll.
    pub poll: Poll,
    /// The number of votes of each option, in the order of the options.
    pub counts: Vec<u32>,
    /// Increases with every change of the poll and its votes. Of two results, the one with the higher value is newer.
    pub changes: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_a_poll() {
        use ClosedBy::{Owner, Time};
        // deleted, closed, closing time; at 1,000
        for (deleted_at_ms, closed, closes_at_ms, expected) in [
            (None, None, None, PollState::Open),
            (None, None, Some(1_001), PollState::Open),
            (None, None, Some(1_000), PollState::Closed(Time)),
            (None, Some(Time), Some(1_000), PollState::Closed(Time)),
            (None, Some(Owner), None, PollState::Closed(Owner)),
            (None, Some(Owner), Some(900), PollState::Closed(Owner)),
            (Some(1), None, None, PollState::Deleted),
            (Some(1), Some(Owner), Some(900), PollState::Deleted),
        ] {
            let poll = Poll {
                id: Uuid::nil(),
                question: String::new(),
                options: Vec::new(),
                multiple_choice: false,
                created_at_ms: 0,
                closes_at_ms,
                closed,
                deleted_at_ms,
                edits: 0,
                voters: 0,
            };
            assert_eq!(
                poll.state(1_000),
                expected,
                "{deleted_at_ms:?} {closed:?} {closes_at_ms:?}"
            );
        }
    }
}
