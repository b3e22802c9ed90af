//! When what is turned: a disturbance as data. Pure.

use app::lab::Disturbance;
use serde_json::{Value, json};

use super::life::Step;

/// Webhooks of one step that are held back to be shuffled; what is fewer is let go with the step's end.
const SHUFFLED: u32 = 3;

/// When, within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Before anything of it is done.
    Before,
    /// Stripe's page is open, and nothing is entered there. Of steps by Checkout alone.
    AtCheckout,
    /// Stripe's page was completed, and the browser is still there. Of steps by Checkout alone.
    Completed,
    /// All is done; nobody has waited for its effect yet.
    After,
}

impl When {
    /// Those of a step, in the order in which they come.
    pub const fn of(step: Step) -> &'static [Self] {
        match step.is_checkout() {
            true => &[Self::Before, Self::AtCheckout, Self::Completed, Self::After],
            false => &[Self::Before, Self::After],
        }
    }
}

/// A moment of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Which step it is, from 0 on.
    pub place: usize,
    /// What is done there.
    pub step: Step,
    /// When.
    pub when: When,
}

/// Something that is turned, or waited for, at a moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// The stand-in for Stripe is told this of its webhooks; what is not named is as if nothing was disturbed.
    Webhooks(Value),
    /// The stand-in for Amplitude is told these faults, in place of others.
    Faults(Value),
    /// The dispatcher and the webhook workers die, with what they have in hand.
    KillWorkers,
    /// New ones start.
    StartWorkers,
    /// The life goes on only then.
    Await(Awaited),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// An upload of the person's is under way.
    UploadInHand,
    /// A webhook of the person's has come in, and waits.
    WebhookStored,
    /// What the step has to tell stands in the outbox.
    Told,
}

/// What disturbs a life. It has no say in the steps.
pub trait Disturbs: Sync {
    /// What is turned at a moment, one after another.
    fn at(&self, moment: Moment) -> Vec<Turn>;

    /// How far the browsers' clocks are ahead of ours.
    fn clock_ahead_ms(&self) -> i64 {
        0
    }

    /// Whether the SDK is kept from the browsers.
    fn blocks_sdk(&self) -> bool {
        false
    }
}

impl Disturbs for Disturbance {
    fn at(&self, moment: Moment) -> Vec<Turn> {
        use When::{AtCheckout, Before, Completed};
        let start = moment.place == 0 && moment.when == Before;
        let at_checkout = moment.step.is_checkout() && moment.when == AtCheckout;
        let came_back = moment.step.is_checkout() && moment.when == When::After;
        let ends_trial = |when| moment.step == Step::JumpTrialEnd && moment.when == when;
        match self {
            Self::WebhooksDelayed if start => vec![Turn::Webhooks(json!({"delay_ms": 1_500}))],
            // More than a life has.
            Self::WebhooksDuplicated if start => vec![Turn::Webhooks(json!({"duplicate": 1_000}))],
            Self::WebhookAnswersLost if at_checkout => vec![Turn::Webhooks(json!({"lose_answer": 2}))],
            Self::WebhooksReordered if at_checkout || ends_trial(Before) => {
                vec![Turn::Webhooks(json!({"reorder": SHUFFLED}))]
            }
            Self::WebhooksReordered if came_back || ends_trial(When::After) => {
                vec![Turn::Webhooks(json!({}))]
            }
            Self::WebhooksBeforeRedirect if moment.when == Completed => vec![Turn::Await(Awaited::Told)],
            Self::WebhooksAfterRedirect if at_checkout => vec![Turn::Webhooks(json!({"hold": true}))],
            Self::WebhooksAfterRedirect if came_back => vec![Turn::Webhooks(json!({}))],
            Self::AmplitudeThrottles if start => vec![Turn::Faults(json!([{"answer": 429}]))],
            Self::AmplitudeFails if start => vec![Turn::Faults(json!([{"answer": 500}]))],
            Self::AmplitudeHangs | Self::WorkersRestarted if start => {
                vec![Turn::Faults(json!([{"answer": "hang"}]))]
            }
            Self::AmplitudeThrottles | Self::AmplitudeFails | Self::AmplitudeHangs if came_back => {
                vec![Turn::Faults(json!([]))]
            }
            Self::WorkersRestarted if at_checkout => {
                vec![Turn::Await(Awaited::UploadInHand), Turn::KillWorkers]
            }
            Self::WorkersRestarted if came_back => vec![
                Turn::Await(Awaited::WebhookStored),
                Turn::Faults(json!([])),
                Turn::StartWorkers,
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
        *self == Self::SdkBlocked
    }
}

#[cfg(test)]
mod tests {
    use super::super::life;
    use super::*;

    /// Everything that is turned in a life, in order.
    fn turns(disturbs: &impl Disturbs, life: &[Step]) -> Vec<Turn> {
        let moments = life.iter().enumerate().flat_map(|(place, &step)| {
            When::of(step)
                .iter()
                .map(move |&when| Moment { place, step, when })
        });
        moments.flat_map(|moment| disturbs.at(moment)).collect()
    }

    fn scripted(disturbance: Disturbance) -> Vec<Turn> {
        turns(&disturbance, &life::scripted(disturbance))
    }

    #[test]
    fn which_disturbance_turns_what() {
        use Disturbance as D;
        for disturbance in D::ALL {
            let turns = scripted(disturbance);
            let of = |is: fn(&Turn) -> bool| turns.iter().filter(|turn| is(turn)).count();
            let turned = (
                of(|turn| matches!(turn, Turn::Webhooks(_))),
                of(|turn| matches!(turn, Turn::Faults(_))),
                of(|turn| matches!(turn, Turn::KillWorkers | Turn::StartWorkers)),
                of(|turn| matches!(turn, Turn::Await(_))),
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
            assert_eq!(turned, expected, "{disturbance:?}");
            let browser = (disturbance.clock_ahead_ms() != 0, disturbance.blocks_sdk());
            let expected = (
                matches!(disturbance, D::ClockOffBySeconds | D::ClockOffByMinutes),
                disturbance == D::SdkBlocked,
            );
            assert_eq!(browser, expected, "{disturbance:?}");
        }
    }

    #[test]
    fn nothing_is_held_back_or_refused_for_ever() {
        for disturbance in Disturbance::ALL {
            let (mut held, mut faulty, mut work) = (json!({}), json!([]), true);
            for turn in scripted(disturbance) {
                match turn {
                    Turn::Webhooks(switches) => held = switches,
                    Turn::Faults(faults) => faulty = faults,
                    Turn::KillWorkers => work = false,
                    Turn::StartWorkers => work = true,
                    Turn::Await(_) => {}
                }
            }
            assert!(work, "{disturbance:?}");
            assert_eq!(faulty, json!([]), "{disturbance:?}");
            for switch in ["hold", "reorder"] {
                assert_eq!(held[switch], Value::Null, "{disturbance:?}");
            }
        }
    }
}
