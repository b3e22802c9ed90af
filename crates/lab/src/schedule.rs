//! Disturbances as data: which action is taken at which point of a scenario. Pure.

use app::lab::Disturbance;
use serde_json::{Value, json};

use crate::scenario::ScenarioStep;

/// Webhooks of one step that are held back to be shuffled. Fewer are released at the end of the step.
const SHUFFLED: u32 = 3;

/// A point within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepPhase {
    /// Before the step.
    Before,
    /// Checkout's page is open, and nothing was entered. Only in steps that use Checkout.
    CheckoutOpened,
    /// Checkout was completed, and the browser has not returned yet. Only in steps that use Checkout.
    CheckoutCompleted,
    /// The step is done; its effects may be pending.
    After,
}

impl StepPhase {
    /// The phases of a step, in order.
    pub const fn of(step: ScenarioStep) -> &'static [Self] {
        match step.is_checkout() {
            true => &[
                Self::Before,
                Self::CheckoutOpened,
                Self::CheckoutCompleted,
                Self::After,
            ],
            false => &[Self::Before, Self::After],
        }
    }
}

/// A point of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedulePoint {
    /// Index of the step, from 0.
    pub index: usize,
    /// The step.
    pub step: ScenarioStep,
    /// The phase of the step.
    pub phase: StepPhase,
}

/// What the lab does at a point.
#[derive(Clone, Debug, PartialEq)]
pub enum LabAction {
    /// Sets the webhook switches of the stand-in for Stripe. Switches that are not named are reset.
    SetWebhooks(Value),
    /// Sets the faults of the stand-in for Amplitude. Earlier faults are replaced.
    SetFaults(Value),
    /// Kills the dispatcher and the webhook workers in the middle of their work.
    KillWorkers,
    /// Starts new workers.
    StartWorkers,
    /// Waits for a condition.
    WaitFor(WaitCondition),
}

/// A condition that the lab waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitCondition {
    /// An upload with events of the user is under way.
    UploadStarted,
    /// A webhook of the user's customer is in the inbox, not applied.
    WebhookStored,
    /// The events of the steps so far are in the outbox.
    EventsEnqueued,
}

/// A disturbance of a scenario. It does not change the steps.
pub trait DisturbanceSchedule: Sync {
    /// The actions at a point, in order.
    fn actions_at(&self, point: SchedulePoint) -> Vec<LabAction>;

    /// How far the browsers' clocks are ahead, in ms.
    fn clock_ahead_ms(&self) -> i64 {
        0
    }

    /// Whether a content blocker blocks the SDK in the browsers.
    fn blocks_sdk(&self) -> bool {
        false
    }
}

impl DisturbanceSchedule for Disturbance {
    fn actions_at(&self, point: SchedulePoint) -> Vec<LabAction> {
        use LabAction as A;
        use StepPhase::{After, Before, CheckoutCompleted, CheckoutOpened};
        let start = point.index == 0 && point.phase == Before;
        let at_checkout = point.step.is_checkout() && point.phase == CheckoutOpened;
        let after_checkout = point.step.is_checkout() && point.phase == After;
        let trial_end = |phase| point.step == ScenarioStep::PassTrialEnd && point.phase == phase;
        match self {
            Self::WebhooksDelayed if start => vec![A::SetWebhooks(json!({"delay_ms": 1_500}))],
            // More than a scenario has.
            Self::WebhooksDuplicated if start => vec![A::SetWebhooks(json!({"duplicate": 1_000}))],
            Self::WebhookAnswersLost if at_checkout => vec![A::SetWebhooks(json!({"lose_answer": 2}))],
            Self::WebhooksReordered if at_checkout || trial_end(Before) => {
                vec![A::SetWebhooks(json!({"reorder": SHUFFLED}))]
            }
            Self::WebhooksReordered if after_checkout || trial_end(After) => {
                vec![A::SetWebhooks(json!({}))]
            }
            Self::WebhooksBeforeRedirect if point.phase == CheckoutCompleted => {
                vec![A::WaitFor(WaitCondition::EventsEnqueued)]
            }
            Self::WebhooksAfterRedirect if at_checkout => vec![A::SetWebhooks(json!({"hold": true}))],
            Self::WebhooksAfterRedirect if after_checkout => vec![A::SetWebhooks(json!({}))],
            Self::AmplitudeThrottles if start => vec![A::SetFaults(json!([{"answer": 429}]))],
            Self::AmplitudeFails if start => vec![A::SetFaults(json!([{"answer": 500}]))],
            Self::AmplitudeHangs | Self::WorkersRestarted if start => {
                vec![A::SetFaults(json!([{"answer": "hang"}]))]
            }
            Self::AmplitudeThrottles | Self::AmplitudeFails | Self::AmplitudeHangs if after_checkout => {
                vec![A::SetFaults(json!([]))]
            }
            Self::WorkersRestarted if at_checkout => {
                vec![A::WaitFor(WaitCondition::UploadStarted), A::KillWorkers]
            }
            Self::WorkersRestarted if after_checkout => vec![
                A::WaitFor(WaitCondition::WebhookStored),
                A::SetFaults(json!([])),
                A::StartWorkers,
            ],
            _ => Vec::new(),
        }
    }

    fn clock_ahead_ms(&self) -> i64 {
        match self {
            Self::ClockOffBySeconds => 50_000,
            Self::ClockOffByMinutes => 5 * 60_000,
            _ => 0,
        }
    }

    fn blocks_sdk(&self) -> bool {
        matches!(self, Self::SdkBlocked | Self::CampaignBlocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::scripted_scenario;

    /// All actions of the scripted scenario, in order.
    fn actions(disturbance: Disturbance) -> Vec<LabAction> {
        let steps = scripted_scenario(disturbance);
        let points = steps.iter().enumerate().flat_map(|(index, &step)| {
            let phases = StepPhase::of(step).iter();
            phases.map(move |&phase| SchedulePoint { index, step, phase })
        });
        points.flat_map(|point| disturbance.actions_at(point)).collect()
    }

    #[test]
    fn each_disturbance_has_its_actions() {
        use Disturbance as D;
        for disturbance in D::ALL {
            let actions = actions(disturbance);
            let count = |is: fn(&LabAction) -> bool| actions.iter().filter(|action| is(action)).count();
            let counts = (
                count(|action| matches!(action, LabAction::SetWebhooks(_))),
                count(|action| matches!(action, LabAction::SetFaults(_))),
                count(|action| matches!(action, LabAction::KillWorkers | LabAction::StartWorkers)),
                count(|action| matches!(action, LabAction::WaitFor(_))),
            );
            let expected = match disturbance {
                D::WebhooksDelayed | D::WebhooksDuplicated | D::WebhookAnswersLost => (1, 0, 0, 0),
                D::WebhooksReordered => (4, 0, 0, 0),
                D::WebhooksAfterRedirect => (2, 0, 0, 0),
                D::WebhooksBeforeRedirect => (0, 0, 0, 1),
                D::AmplitudeThrottles | D::AmplitudeFails | D::AmplitudeHangs => (0, 2, 0, 0),
                D::WorkersRestarted => (0, 2, 2, 2),
                _ => (0, 0, 0, 0),
            };
            assert_eq!(counts, expected, "{disturbance:?}");
            let browser = (disturbance.clock_ahead_ms() != 0, disturbance.blocks_sdk());
            let expected = (
                matches!(disturbance, D::ClockOffBySeconds | D::ClockOffByMinutes),
                matches!(disturbance, D::SdkBlocked | D::CampaignBlocked),
            );
            assert_eq!(browser, expected, "{disturbance:?}");
        }
    }

    #[test]
    fn at_the_end_workers_run_and_nothing_is_held_back_or_refused() {
        for disturbance in Disturbance::ALL {
            let (mut webhooks, mut faults, mut workers_run) = (json!({}), json!([]), true);
            for action in actions(disturbance) {
                match action {
                    LabAction::SetWebhooks(switches) => webhooks = switches,
                    LabAction::SetFaults(set) => faults = set,
                    LabAction::KillWorkers => workers_run = false,
                    LabAction::StartWorkers => workers_run = true,
                    LabAction::WaitFor(_) => {}
                }
            }
            assert!(workers_run, "{disturbance:?}");
            assert_eq!(faults, json!([]), "{disturbance:?}");
            for switch in ["hold", "reorder"] {
                assert_eq!(webhooks[switch], Value::Null, "{disturbance:?}");
            }
        }
    }
}
