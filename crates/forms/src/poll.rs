//! A poll to be made.

use serde::{Deserialize, Serialize};

use crate::faults::{Faults, Field, Problem};
use crate::moment::moment;
use crate::text::line;

/// Fewest options of a poll.
pub const MIN_OPTIONS: usize = 2;
/// Most options of a poll.
pub const MAX_OPTIONS: usize = 10;

const QUESTION_MAX: usize = 200;
const OPTION_MAX: usize = 100;

/// A poll as typed. Empty options are left out, so a form may show more lines than are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollForm {
    /// The question.
    pub question: String,
    /// The options, in order.
    pub options: Vec<String>,
    /// Whether a voter may choose several.
    pub multiple_choice: bool,
    /// When it closes by itself, in UTC; empty: it does not.
    #[serde(default)]
    pub closes_at: String,
}

/// A poll, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollDraft {
    /// 1 to 200 characters.
    pub question: String,
    /// 2 to 10, each of 1 to 100 characters, no two alike.
    pub options: Vec<String>,
    /// Whether a voter may choose several.
    pub multiple_choice: bool,
    /// When it closes by itself, in ms since the epoch.
    pub closes_at: Option<i64>,
}

impl PollForm {
    /// Every field's problem at once.
    pub fn check(&self) -> Result<PollDraft, Faults> {
        let mut faults = Faults::default();
        let question = faults.take(Field::Question, line(&self.question, QUESTION_MAX));
        let mut options: Vec<String> = Vec::new();
        for (position, text) in (0_u8..=u8::MAX).zip(&self.options) {
            match line(text, OPTION_MAX) {
                Err(Problem::Missing) => {}
                Ok(option) if options.contains(&option) => {
                    faults.add(Field::Option(position), Problem::DuplicateOption);
                }
                Ok(option) => options.push(option),
                Err(problem) => faults.add(Field::Option(position), problem),
            }
        }
        if options.len() > MAX_OPTIONS {
            faults.add(Field::Form, Problem::TooManyOptions { max: MAX_OPTIONS });
        } else if options.len() < MIN_OPTIONS && faults.iter().all(|fault| fault.field == Field::Question) {
            // At the first empty line, where the writer goes on.
            let empty = self
                .options
                .iter()
                .take(MAX_OPTIONS)
                .position(|text| text.trim().is_empty());
            let position = empty.and_then(|position| u8::try_from(position).ok());
            let field = position.map_or(Field::Form, Field::Option);
            faults.add(field, Problem::TooFewOptions { min: MIN_OPTIONS });
        }
        let closes_at = match self.closes_at.trim() {
            "" => None,
            text => faults.take(Field::ClosesAt, moment(text)),
        };
        match question {
            Some(question) if faults.is_empty() => Ok(PollDraft {
                question,
                options,
                multiple_choice: self.multiple_choice,
                closes_at,
            }),
            _ => Err(faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(question: &str, options: &[&str]) -> Result<PollDraft, Faults> {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        PollForm {
            question: question.to_owned(),
            options,
            ..PollForm::default()
        }
        .check()
    }

    #[test]
    fn a_closing_time_is_a_moment_or_nothing() {
        let closing = |closes_at: &str| {
            let form = PollForm {
                question: "Q".to_owned(),
                options: vec!["a".to_owned(), "b".to_owned()],
                closes_at: closes_at.to_owned(),
                ..PollForm::default()
            };
            form.check()
                .map(|draft| draft.closes_at)
                .map_err(|faults| faults.at(Field::ClosesAt).cloned())
        };
        assert_eq!(closing(" "), Ok(None));
        assert_eq!(closing("1970-01-02T00:00"), Ok(Some(86_400_000)));
        assert_eq!(closing("soon"), Err(Some(Problem::NotAMoment)));
    }

    #[test]
    fn empty_lines_are_left_out() {
        let draft = poll(" Lunch? ", &["Soup", "", " Salad ", ""]).unwrap();
        assert_eq!(draft.question, "Lunch?");
        assert_eq!(draft.options, ["Soup", "Salad"]);
    }

    #[test]
    fn each_problem_stands_at_its_line() {
        let long = "x".repeat(101);
        for (question, options, field, problem) in [
            ("", vec!["a", "b"], Field::Question, Problem::Missing),
            (
                "Q",
                vec!["a", ""],
                Field::Option(1),
                Problem::TooFewOptions { min: 2 },
            ),
            (
                "Q",
                vec!["", ""],
                Field::Option(0),
                Problem::TooFewOptions { min: 2 },
            ),
            ("Q", vec!["a"], Field::Form, Problem::TooFewOptions { min: 2 }),
            (
                "Q",
                vec!["a", "b", " a "],
                Field::Option(2),
                Problem::DuplicateOption,
            ),
            (
                "Q",
                vec!["a", &long],
                Field::Option(1),
                Problem::TooLong { max: 100, len: 101 },
            ),
            (
                "Q",
                vec!["a", "b\u{7}"],
                Field::Option(1),
                Problem::ControlCharacter,
            ),
        ] {
            let faults = poll(question, &options).unwrap_err();
            assert_eq!(faults.at(field), Some(&problem), "{question:?} {options:?}");
        }
    }

    #[test]
    fn eleven_options_are_too_many() {
        let names: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(
            poll("Q", &names).unwrap_err().at(Field::Form),
            Some(&Problem::TooManyOptions { max: 10 })
        );
        assert!(poll("Q", &names[..10]).is_ok());
    }
}
