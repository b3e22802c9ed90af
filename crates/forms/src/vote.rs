//! A vote to be cast.

use crate::errors::{FieldError, FieldErrors};
use crate::field::form;
use crate::poll::MAX_OPTIONS;

form! {
    /// A ballot as filled in. Whether its choices are options of the poll, and how many it takes, is the poll's to say.
    pub struct VoteForm {
        /// Positions of the options that are ticked.
        pub choice: Vec<String>,
        /// Which version of the poll the ballot shows.
        pub revision: String,
        /// ID of the poll, from the page's path.
        pub poll: String,
    }
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
    /// Every error at once.
    pub fn check(&self) -> Result<VoteDraft, FieldErrors> {
        let wrong = |error| FieldErrors::one(VoteForm::choice, error);
        let revision = self
            .revision
            .parse()
            .map_err(|_| wrong(FieldError::PollChanged))?;
        let read: Option<Vec<u8>> = self
            .choice
            .iter()
            .map(|choice| {
                choice
                    .parse()
                    .ok()
                    .filter(|&place| usize::from(place) < MAX_OPTIONS)
            })
            .collect();
        let mut choices = read.ok_or_else(|| wrong(FieldError::PollChanged))?;
        choices.sort_unstable();
        choices.dedup();
        if choices.is_empty() {
            return Err(wrong(FieldError::NoChoice));
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
                choice: choices.iter().map(|&choice| choice.to_owned()).collect(),
                revision: revision.to_owned(),
                ..VoteForm::default()
            }
            .check()
            .map(|draft| draft.choices)
            .map_err(|errors| errors.at(VoteForm::choice).cloned())
        };
        let long = "1".repeat(10_000);
        for (choices, revision, expected) in [
            (&["1"][..], "0", Ok(vec![1])),
            (&["9", "0", "9"], "3", Ok(vec![0, 9])),
            (&[], "0", Err(Some(FieldError::NoChoice))),
            (&["10"], "0", Err(Some(FieldError::PollChanged))),
            (&["-1"], "0", Err(Some(FieldError::PollChanged))),
            (&["<b>"], "0", Err(Some(FieldError::PollChanged))),
            (&["1", &long], "0", Err(Some(FieldError::PollChanged))),
            (&["1"], "", Err(Some(FieldError::PollChanged))),
            (&["1"], &long, Err(Some(FieldError::PollChanged))),
        ] {
            assert_eq!(
                ballot(choices, revision),
                expected,
                "{choices:.40?} {revision:.40}"
            );
        }
    }
}
