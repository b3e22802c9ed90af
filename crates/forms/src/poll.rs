//! A poll to be made.

use crate::errors::{FieldError, FieldErrors};
use crate::field::{Field, form};
use crate::moment::moment;
use crate::text::line;

/// Fewest options of a poll.
pub const MIN_OPTIONS: usize = 2;
/// Most options of a poll.
pub const MAX_OPTIONS: usize = 10;

const QUESTION_MAX: usize = 200;
const OPTION_MAX: usize = 100;

form! {
    /// A poll as typed. Empty options are left out, so a form may show more lines than are used.
    pub struct PollForm {
        /// The question.
        pub question: String,
        /// The options, in order.
        pub option: Vec<String>,
        /// Whether a voter may choose several.
        pub multiple_choice: bool,
        /// When the poll closes, in UTC; empty: its owner closes it.
        pub closes_at: String,
        /// ID of the rendered form: a new poll that is sent twice is made once.
        pub form: String,
        /// ID of the poll, where one is edited: from the page's path.
        pub poll: String,
    }
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
    /// When it closes, in ms since the epoch.
    pub closes_at: Option<i64>,
}

impl PollForm {
    /// Every field's error at once.
    pub fn check(&self) -> Result<PollDraft, FieldErrors> {
        let mut errors = FieldErrors::default();
        let question = errors.take(Self::question, line(&self.question, QUESTION_MAX));
        let mut options: Vec<String> = Vec::new();
        for (position, text) in (0_u8..).take(MAX_OPTIONS).zip(&self.option) {
            match line(text, OPTION_MAX) {
                Err(FieldError::Missing) => {}
                Ok(option) if options.contains(&option) => {
                    errors.add(Self::option.at(position), FieldError::DuplicateOption);
                }
                Ok(option) => options.push(option),
                Err(error) => errors.add(Self::option.at(position), error),
            }
        }
        // The page has no line for these, so it could not show an error at them.
        let mut beyond = self.option.iter().skip(MAX_OPTIONS);
        if beyond.any(|text| !text.trim().is_empty()) {
            errors.add(Field::FORM, FieldError::TooManyOptions { max: MAX_OPTIONS });
        } else if options.len() < MIN_OPTIONS
            && errors.first_field().is_none_or(|field| field == Self::question)
        {
            // At the first empty line, where the writer goes on.
            let empty = self
                .option
                .iter()
                .take(MAX_OPTIONS)
                .position(|text| text.trim().is_empty());
            let position = empty.and_then(|position| u8::try_from(position).ok());
            let field = position.map_or(Field::FORM, |position| Self::option.at(position));
            errors.add(field, FieldError::TooFewOptions { min: MIN_OPTIONS });
        }
        let closes_at = match self.closes_at.trim() {
            "" => None,
            text => errors.take(Self::closes_at, moment(text)),
        };
        match question {
            Some(question) if errors.is_empty() => Ok(PollDraft {
                question,
                options,
                multiple_choice: self.multiple_choice,
                closes_at,
            }),
            _ => Err(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(question: &str, options: &[&str]) -> Result<PollDraft, FieldErrors> {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        PollForm {
            question: question.to_owned(),
            option: options,
            ..PollForm::default()
        }
        .check()
    }

    #[test]
    fn a_closing_time_is_a_moment_or_nothing() {
        let closing = |closes_at: &str| {
            let form = PollForm {
                question: "Q".to_owned(),
                option: vec!["a".to_owned(), "b".to_owned()],
                closes_at: closes_at.to_owned(),
                ..PollForm::default()
            };
            form.check()
                .map(|draft| draft.closes_at)
                .map_err(|errors| errors.at(PollForm::closes_at).cloned())
        };
        assert_eq!(closing(" "), Ok(None));
        assert_eq!(closing("1970-01-02T00:00"), Ok(Some(86_400_000)));
        assert_eq!(closing("soon"), Err(Some(FieldError::NotAMoment)));
    }

    #[test]
    fn empty_lines_are_left_out() {
        let draft = poll(" Lunch? ", &["Soup", "", " Salad ", ""]).unwrap();
        assert_eq!(draft.question, "Lunch?");
        assert_eq!(draft.options, ["Soup", "Salad"]);
    }

    #[test]
    fn each_error_is_at_its_line() {
        let long = "x".repeat(101);
        for (question, options, field, error) in [
            ("", vec!["a", "b"], PollForm::question, FieldError::Missing),
            (
                "Q",
                vec!["a", ""],
                PollForm::option.at(1),
                FieldError::TooFewOptions { min: 2 },
            ),
            (
                "Q",
                vec!["", ""],
                PollForm::option.at(0),
                FieldError::TooFewOptions { min: 2 },
            ),
            ("Q", vec!["a"], Field::FORM, FieldError::TooFewOptions { min: 2 }),
            (
                "Q",
                vec!["a", "b", " a "],
                PollForm::option.at(2),
                FieldError::DuplicateOption,
            ),
            (
                "Q",
                vec!["a", &long],
                PollForm::option.at(1),
                FieldError::TooLong { max: 100, len: 101 },
            ),
            (
                "Q",
                vec!["a", "b\u{7}"],
                PollForm::option.at(1),
                FieldError::ControlCharacter,
            ),
        ] {
            let errors = poll(question, &options).unwrap_err();
            assert_eq!(errors.at(field), Some(&error), "{question:?} {options:?}");
        }
    }

    #[test]
    fn eleven_options_are_too_many() {
        let names: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(
            poll("Q", &names).unwrap_err().at(Field::FORM),
            Some(&FieldError::TooManyOptions { max: 10 })
        );
        assert!(poll("Q", &names[..10]).is_ok());
        // Also where the last one repeats another: the page has no line for its error.
        let repeated = [&names[..10], &["0"]].concat();
        assert_eq!(poll("Q", &repeated).unwrap_err().first_field(), Some(Field::FORM));
        assert!(poll("Q", &[&names[..10], &[" "]].concat()).is_ok());
    }
}
