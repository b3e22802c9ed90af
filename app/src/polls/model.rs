//! Polls as pages show them: what the server's answers carry and the browser reads.

use serde::{Deserialize, Serialize};
use tracking::{AccountType, ClientEvent, InsertId};
use uuid::Uuid;

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
    /// Where it stands.
    pub standing: Standing,
    /// When it closes by itself, in ms since the epoch.
    pub closes_at: Option<i64>,
    /// Which version of the poll this is: a ballot is for one.
    pub revision: i64,
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

/// Where a poll stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It takes votes.
    Open,
    /// Its owner has closed it.
    ClosedByOwner,
    /// Its time has come.
    ClosedByTime,
    /// It can be restored.
    Deleted,
}

impl Standing {
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

/// A feature event that the server has said yes to, and the insert ID under which it counts once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What.
    pub event: ClientEvent,
    /// The same whichever page tells of it.
    pub insert_id: InsertId,
}

/// What only an account of its own has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mine<T> {
    /// Nobody is signed in.
    SignedOut,
    /// There is none, or it is somebody else's.
    NotFound,
    /// Here it is.
    Here(T),
}

/// A person's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListView {
    /// Newest first.
    pub polls: Vec<PollView>,
    /// How many are open.
    pub open: u32,
    /// How many are closed.
    pub closed: u32,
    /// How many can be restored.
    pub deleted: u32,
}

/// What the form for a poll needs to know of its writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// Their plan.
    pub plan: AccountType,
    /// Whether their plan has room for one more open poll.
    pub room: bool,
}

/// A poll as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPoll {
    /// The poll.
    pub poll: PollView,
    /// Where others vote on it.
    pub link: String,
    /// The owner's plan.
    pub plan: AccountType,
}

/// A poll as a voter sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    /// The poll.
    pub poll: PollView,
    /// What the voter has chosen, if they have voted.
    pub mine: Option<Vec<u8>>,
    /// Whether the voter is also its owner.
    pub is_owner: bool,
}

/// A vote that is in, and the ballot after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voted {
    /// The event.
    pub told: Told,
    /// As it stands now.
    pub ballot: Ballot,
}

/// Results to be saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFile {
    /// The event.
    pub told: Told,
    /// What to call it.
    pub name: String,
    /// Comma-separated values.
    pub csv: String,
}

/// What an owner does with a poll by one button, as the button's form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionForm {
    /// The poll's ID.
    pub poll: String,
    /// `close`, `delete`, `restore` or `export`.
    pub action: String,
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
