//! A vote to be cast.

use serde::{Deserialize, Serialize};

use crate::faults::{Faults, Field, Problem};
use crate::poll::MAX_OPTIONS;

/// A ballot as filled in. Whether its choices are options of the poll, and how many it takes, is the poll's to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteForm {
    /// Positions of the options that are ticked.
    pub choices: Vec<String>,
    /// Which version of the poll the ballot shows.
    pub revision: String,
}

/// A vote, as far as it can be checked without its poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteDraft {
    /// At least one position, ascending, none twice.
    pub choices: Vec<u8>,
    /// The version of the poll that was voted on.
    pub revision: i64,
}

impl VoteForm {
    /// Every problem at once.
    pub fn check(&self) -> Result<VoteDraft, Faults> {
        let fault = |problem| Faults::one(Field::Choice, problem);
        let revision = self.revision.parse().map_err(|_| fault(Problem::PollChanged))?;
        let read: Option<Vec<u8>> = self
            .choices
            .iter()
            .map(|choice| {
                choice
                    .parse()
                    .ok()
                    .filter(|&place| usize::from(place) < MAX_OPTIONS)
            })
            .collect();
        let mut choices = read.ok_or_else(|| fault(Problem::PollChanged))?;
        choices.sort_unstable();
        choices.dedup();
        if choices.is_empty() {
            return Err(fault(Problem::NoChoice));
        }
        Ok(VoteDraft { choices, revision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ballots() {
        let ballot = |choices: &[&str], revision: &str| {
            VoteForm {
                choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
                revision: revision.to_owned(),
            }
            .check()
            .map(|draft| draft.choices)
            .map_err(|faults| faults.at(Field::Choice).cloned())
        };
        let long = "1".repeat(10_000);
        for (choices, revision, expected) in [
            (&["1"][..], "0", Ok(vec![1])),
            (&["9", "0", "9"], "3", Ok(vec![0, 9])),
            (&[], "0", Err(Some(Problem::NoChoice))),
            (&["10"], "0", Err(Some(Problem::PollChanged))),
            (&["-1"], "0", Err(Some(Problem::PollChanged))),
            (&["<b>"], "0", Err(Some(Problem::PollChanged))),
            (&["1", &long], "0", Err(Some(Problem::PollChanged))),
            (&["1"], "", Err(Some(Problem::PollChanged))),
            (&["1"], &long, Err(Some(Problem::PollChanged))),
        ] {
            assert_eq!(
                ballot(choices, revision),
                expected,
                "{choices:.40?} {revision:.40}"
            );
        }
    }
}
