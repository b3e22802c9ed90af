//! The limits of each plan. Pure functions of values.

use forms::{FieldError, PollForm};
use tracking::AccountType;

use super::PollError;

/// The number of open polls on Free.
pub const FREE_OPEN_POLLS: u32 = 3;

/// A limit of the plan that refuses an action. Limits apply to new actions only: after a downgrade from Pro, existing
/// polls and closing times remain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanLimit {
    /// The limit of open polls.
    OpenPolls,
    /// Closing times are part of Pro.
    ClosingTime,
    /// Exports are part of Pro.
    Export,
}

/// Checks whether another poll may be opened when `open` polls are open.
pub fn check_open_polls(plan: AccountType, open: u32) -> Result<(), PlanLimit> {
    match plan {
        AccountType::Free if open >= FREE_OPEN_POLLS => Err(PlanLimit::OpenPolls),
        AccountType::Free | AccountType::Pro => Ok(()),
    }
}

/// Checks whether the plan allows this change of a closing time. Keeping or removing a closing time is always allowed.
pub fn check_closing_time(
    plan: AccountType,
    before: Option<i64>,
    after: Option<i64>,
) -> Result<(), PlanLimit> {
    match plan {
        AccountType::Free if after.is_some() && after != before => Err(PlanLimit::ClosingTime),
        AccountType::Free | AccountType::Pro => Ok(()),
    }
}

/// Checks whether results may be exported.
pub fn check_export(plan: AccountType) -> Result<(), PlanLimit> {
    match plan {
        AccountType::Free => Err(PlanLimit::Export),
        AccountType::Pro => Ok(()),
    }
}

impl From<PlanLimit> for PollError {
    fn from(limit: PlanLimit) -> Self {
        match limit {
            PlanLimit::OpenPolls => Self::form(FieldError::OpenPollLimit { max: FREE_OPEN_POLLS }),
            PlanLimit::ClosingTime => Self::at(PollForm::closes_at, FieldError::ClosingTimeIsPro),
            PlanLimit::Export => Self::form(FieldError::ExportIsPro),
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
            (Free, 3, Err(PlanLimit::OpenPolls)),
            // After a downgrade from Pro.
            (Free, 40, Err(PlanLimit::OpenPolls)),
            (Pro, 3, Ok(())),
            (Pro, u32::MAX, Ok(())),
        ] {
            assert_eq!(check_open_polls(plan, open), expected, "{plan:?} {open}");
        }
    }

    #[test]
    fn closing_times() {
        for (plan, before, after, expected) in [
            (Free, None, None, Ok(())),
            (Free, None, Some(1), Err(PlanLimit::ClosingTime)),
            // After a downgrade from Pro: the time may be kept or removed, but not changed.
            (Free, Some(1), Some(1), Ok(())),
            (Free, Some(1), None, Ok(())),
            (Free, Some(1), Some(2), Err(PlanLimit::ClosingTime)),
            (Pro, None, Some(1), Ok(())),
            (Pro, Some(1), Some(2), Ok(())),
        ] {
            assert_eq!(
                check_closing_time(plan, before, after),
                expected,
                "{plan:?} {before:?} {after:?}"
            );
        }
    }

    #[test]
    fn exports() {
        assert_eq!(check_export(Free), Err(PlanLimit::Export));
        assert_eq!(check_export(Pro), Ok(()));
    }
}
