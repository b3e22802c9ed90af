//! The subscription of the scripted user: what each billing step changes.

use tracking::{
    EventPayload, PlanInterval, SubscriptionCanceled, SubscriptionChanged, SubscriptionExpiration,
    SubscriptionRenewal, SubscriptionResumed, TrialCanceled, TrialConverted, TrialExpiration, TrialResumed,
};

use super::step::ScenarioStep;

/// Interval and cancellation of a trial or paid subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    interval: PlanInterval,
    is_canceled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubscriptionState {
    Never,
    Trial(Terms),
    Paid(Terms),
    Expired,
}

impl Terms {
    pub(super) const fn new(interval: PlanInterval) -> Self {
        Self {
            interval,
            is_canceled: false,
        }
    }

    const fn canceled(self, is_canceled: bool) -> Self {
        Self { is_canceled, ..self }
    }

    fn allow_yearly(self) -> bool {
        self.interval == PlanInterval::Month && !self.is_canceled
    }
}

impl SubscriptionState {
    pub(super) const fn is_trial(self) -> bool {
        matches!(self, Self::Trial(_))
    }

    /// The state after a billing step, and the server's event; `None` if the step is not possible.
    pub(super) fn after(self, step: ScenarioStep, has_card: bool) -> Option<(Self, &'static str)> {
        use ScenarioStep as S;
        let yearly = Terms::new(PlanInterval::Year);
        Some(match (self, step) {
            (Self::Trial(terms), S::Cancel) if !terms.is_canceled => {
                (Self::Trial(terms.canceled(true)), TrialCanceled::NAME)
            }
            (Self::Trial(terms), S::Resume) if terms.is_canceled => {
                (Self::Trial(terms.canceled(false)), TrialResumed::NAME)
            }
            (Self::Paid(terms), S::Cancel) if !terms.is_canceled => {
                (Self::Paid(terms.canceled(true)), SubscriptionCanceled::NAME)
            }
            (Self::Paid(terms), S::Resume) if terms.is_canceled => {
                (Self::Paid(terms.canceled(false)), SubscriptionResumed::NAME)
            }
            (Self::Trial(terms), S::ChangeToYearly) if terms.allow_yearly() => {
                (Self::Trial(yearly), SubscriptionChanged::NAME)
            }
            (Self::Paid(terms), S::ChangeToYearly) if terms.allow_yearly() => {
                (Self::Paid(yearly), SubscriptionChanged::NAME)
            }
            (Self::Trial(terms), S::PassTrialEnd) if has_card && !terms.is_canceled => {
                (Self::Paid(terms), TrialConverted::NAME)
            }
            (Self::Trial(_), S::PassTrialEnd) => (Self::Expired, TrialExpiration::NAME),
            (Self::Paid(terms), S::PassPeriodEnd) if terms.is_canceled => {
                (Self::Expired, SubscriptionExpiration::NAME)
            }
            (Self::Paid(terms), S::PassPeriodEnd) => (Self::Paid(terms), SubscriptionRenewal::NAME),
            _ => return None,
        })
    }
}
