//! A poll as pages and islands show it.

use serde::{Deserialize, Serialize};
use tracking::{ClientEvent, InsertId};
use uuid::Uuid;

use crate::local_time::UtcTime;

/// A poll and its results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollView {
    /// The poll's ID.
    pub id: Uuid,
    /// What is asked.
    pub question: String,
    /// What can be answered, and how often each was chosen.
    pub options: Vec<OptionView>,
    /// Whether a voter may choose several.
    pub multiple_choice: bool,
    /// People who voted.
    pub voters: u32,
    /// Whether it takes votes.
    pub status: PollStatus,
    /// When it closes or closed; `None`: when its owner closes it.
    pub closes: Option<UtcTime>,
    /// Which version of the question and options this is: a ballot is for one.
    pub revision: i64,
    /// Grows with every change of the poll and of its votes.
    pub changes: i64,
}

impl PollView {
    /// How often an option was chosen; 0 for one that is not there.
    pub fn votes(&self, position: usize) -> u32 {
        self.options.get(position).map_or(0, |option| option.votes)
    }
}

/// An option of a poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionView {
    /// The answer.
    pub label: String,
    /// People who chose it.
    pub votes: u32,
}

/// Whether a poll takes votes, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PollStatus {
    /// It takes votes.
    Open,
    /// Its owner has closed it.
    ClosedByOwner,
    /// Its time has come.
    ClosedByTime,
    /// It can be restored.
    Deleted,
}

impl PollStatus {
    /// As a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::ClosedByOwner | Self::ClosedByTime => "Closed",
            Self::Deleted => "Deleted",
        }
    }
}

/// How many of `whole` are `part`, in whole percent.
pub fn percent(part: u32, whole: u32) -> u32 {
    match whole {
        0 => 0,
        // In 64 bits nothing overflows, and nothing is above 100 % of a u32.
        whole => {
            u32::try_from((u64::from(part) * 200 + u64::from(whole)) / (u64::from(whole) * 2)).unwrap_or(100)
        }
    }
}

/// What the server answers to a vote that an island sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoteAnswer {
    /// The vote is stored.
    Cast {
        /// The event that the island fires now that the server has confirmed the vote.
        event: ClientEvent,
        /// The same for the same vote: fired twice, it counts once.
        insert_id: InsertId,
        /// The poll with this vote.
        poll: PollView,
    },
    /// Nothing was stored. Why, as a sentence for the voter.
    Refused(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded() {
        for (part, whole, expected) in [
            (0, 0, 0),
            (3, 0, 0),
            (0, 7, 0),
            (1, 3, 33),
            (2, 3, 67),
            (1, 8, 13),
            (1, 200, 1),
            (1, 201, 0),
            (7, 7, 100),
            (u32::MAX, u32::MAX, 100),
        ] {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
    }
}
