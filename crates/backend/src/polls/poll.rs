//! A poll and its results, as values.

use uuid::Uuid;

/// A poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The poll's ID, and its link: whoever has it may vote.
    pub id: Uuid,
    /// What is asked.
    pub question: String,
    /// In the owner's order.
    pub options: Vec<String>,
    /// Whether a voter may choose several.
    pub multiple_choice: bool,
    /// Ms since the epoch.
    pub created_at: i64,
    /// When it closes by itself, in ms since the epoch.
    pub closes_at: Option<i64>,
    /// Whether it was closed, and by what.
    pub closed: Option<ClosedBy>,
    /// When it was deleted, in ms since the epoch.
    pub deleted_at: Option<i64>,
    /// How often it was edited.
    pub edits: i64,
    /// People who voted.
    pub voters: u32,
}

/// Why a poll takes no more votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// Its owner said so.
    Owner,
    /// Its time came.
    Time,
}

/// Where a poll stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It takes votes.
    Open,
    /// It does not.
    Closed(ClosedBy),
    /// It can be restored, by its owner, for a while.
    Deleted,
}

impl Poll {
    /// Where it stands at `now_ms`. A closing time counts from its very millisecond, whether or not the scheduler has come
    /// by.
    pub fn state(&self, now_ms: i64) -> State {
        match (self.deleted_at, self.closed, self.closes_at) {
            (Some(_), _, _) => State::Deleted,
            (None, Some(by), _) => State::Closed(by),
            (None, None, Some(closes_at)) if closes_at <= now_ms => State::Closed(ClosedBy::Time),
            (None, None, _) => State::Open,
        }
    }
}

/// A poll and how often each option was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// The poll.
    pub poll: Poll,
    /// One count for each option, in the same order.
    pub counts: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_poll_stands() {
        use ClosedBy::{Owner, Time};
        // deleted, closed, closing time; at 1,000
        for (deleted_at, closed, closes_at, expected) in [
            (None, None, None, State::Open),
            (None, None, Some(1_001), State::Open),
            (None, None, Some(1_000), State::Closed(Time)),
            (None, Some(Time), Some(1_000), State::Closed(Time)),
            (None, Some(Owner), None, State::Closed(Owner)),
            (None, Some(Owner), Some(900), State::Closed(Owner)),
            (Some(1), None, None, State::Deleted),
            (Some(1), Some(Owner), Some(900), State::Deleted),
        ] {
            let poll = Poll {
                id: Uuid::nil(),
                question: String::new(),
                options: Vec::new(),
                multiple_choice: false,
                created_at: 0,
                closes_at,
                closed,
                deleted_at,
                edits: 0,
                voters: 0,
            };
            assert_eq!(
                poll.state(1_000),
                expected,
                "{deleted_at:?} {closed:?} {closes_at:?}"
            );
        }
    }
}
