//! A visitor's walk.

use super::status::StepStatus;
use super::steps::WalkStep;

/// A walk, so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// The visitor who walks.
    pub(super) walker: Walker,
    /// Each step, in order.
    pub(super) steps: Vec<(WalkStep, StepStatus)>,
}

/// The identity whose events complete the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Walker {
    /// User ID of the account that is signed in.
    Account(String),
    /// Signed out. User ID of the account that was signed in last in this browser.
    SignedOut(String),
    /// No account was signed in here yet. Device ID of this browser.
    Device(String),
    /// Tracking is off, and no account is signed in.
    Unknown,
}

impl Walker {
    /// The ID that leads to their timeline.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Account(id) | Self::SignedOut(id) | Self::Device(id) => Some(id),
            Self::Unknown => None,
        }
    }
}

impl Walk {
    /// The first step that is not done, with its number from 1 on.
    pub(super) fn next(&self) -> Option<(usize, WalkStep, &StepStatus)> {
        let open = |(_, (_, status)): &(usize, &(WalkStep, StepStatus))| !status.is_done();
        let (place, (step, status)) = self.steps.iter().enumerate().find(open)?;
        Some((place + 1, *step, status))
    }

    /// How many are done.
    pub(super) fn done(&self) -> usize {
        self.steps.iter().filter(|(_, status)| status.is_done()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::status::Missing;

    #[test]
    fn the_next_step_is_the_first_that_is_not_done() {
        let walk = Walk {
            walker: Walker::Unknown,
            steps: vec![
                (WalkStep::SignUp, StepStatus::Begun(Missing::Checkout)),
                (WalkStep::Trial, StepStatus::Open),
            ],
        };
        assert_eq!(
            walk.next().map(|(number, step, _)| (number, step)),
            Some((1, WalkStep::SignUp))
        );
        assert_eq!(walk.done(), 0);
    }
}
