//! What each plan has room for, as functions of values.

use forms::{FieldError, PollForm};
use tracking::AccountType;

use super::PollError;

/// Polls that may be open at once on Free.
pub const FREE_OPEN_POLLS: u32 = 3;

/// What the plan has no room for. Nothing that is there is taken away: who falls back from Pro keeps polls and closing
/// times, and is refused new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// As many open polls as there may be.
    OpenPolls,
    /// A closing time.
    ClosingTime,
    /// An export.
    Export,
}

/// Whether one more poll may be open beside `open` others.
pub fn may_open(plan: AccountType, open: u32) -> Result<(), Refusal> {
    match plan {
        AccountType::Free if open >= FREE_OPEN_POLLS => Err(Refusal::OpenPolls),
        AccountType::Free | AccountType::Pro => Ok(()),
    }
}

/// Whether a closing time may be changed like this. What stays, and what is taken away, is no new one.
pub fn may_close_at(plan: AccountType, before: Option<i64>, after: Option<i64>) -> Result<(), Refusal> {
    match plan {
        AccountType::Free if after.is_some() && after != before => Err(Refusal::ClosingTime),
        AccountType::Free | AccountType::Pro => Ok(()),
    }
}

/// Whether results may be exported.
pub fn may_export(plan: AccountType) -> Result<(), Refusal> {
    match plan {
        AccountType::Free => Err(Refusal::Export),
        AccountType::Pro => Ok(()),
    }
}

impl From<Refusal> for PollError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OpenPolls => Self::form(FieldError::OpenPollLimit { max: FREE_OPEN_POLLS }),
            Refusal::ClosingTime => Self::at(PollForm::closes_at, FieldError::ClosingTimeIsPro),
            Refusal::Export => Self::form(FieldError::ExportIsPro),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AccountType::{Free, Pro};

    #[test]
    fn open_polls() {
        for (plan, open, expected) in [
            (Free, 0, Ok(())),
            (Free, 2, Ok(())),
            (Free, 3, Err(Refusal::OpenPolls)),
            // Fallen back from Pro.
            (Free, 40, Err(Refusal::OpenPolls)),
            (Pro, 3, Ok(())),
            (Pro, u32::MAX, Ok(())),
        ] {
            assert_eq!(may_open(plan, open), expected, "{plan:?} {open}");
        }
    }

    #[test]
    fn closing_times() {
        for (plan, before, after, expected) in [
            (Free, None, None, Ok(())),
            (Free, None, Some(1), Err(Refusal::ClosingTime)),
            // Fallen back from Pro: it may stay or go, and not move.
            (Free, Some(1), Some(1), Ok(())),
            (Free, Some(1), None, Ok(())),
            (Free, Some(1), Some(2), Err(Refusal::ClosingTime)),
            (Pro, None, Some(1), Ok(())),
            (Pro, Some(1), Some(2), Ok(())),
        ] {
            assert_eq!(
                may_close_at(plan, before, after),
                expected,
                "{plan:?} {before:?} {after:?}"
            );
        }
    }

    #[test]
    fn exports() {
        assert_eq!(may_export(Free), Err(Refusal::Export));
        assert_eq!(may_export(Pro), Ok(()));
    }
}
