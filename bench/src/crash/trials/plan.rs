//! The plan of a round of trials: at which message the app is killed in each step. Drawn from a seed. Pure.

use fastrand::Rng;

/// The message at which the app is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KillPoint {
    /// The app creates a Checkout session at Stripe.
    CheckoutCreation,
    /// A user has completed Stripe's page, and no webhook has been sent yet.
    CheckoutCompletion,
    /// The stand-in for Stripe sends a webhook to the app.
    Webhook,
    /// A worker lists a customer's subscriptions at Stripe.
    SubscriptionRead,
    /// The app changes a subscription at Stripe.
    SubscriptionChange,
    /// The dispatcher delivers an event with this name.
    Delivery(&'static str),
}

/// When the app is killed relative to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KillTiming {
    /// Before the message arrives; it is dropped.
    BeforeArrival,
    /// While the receiver handles the message.
    DuringHandling,
    /// After the receiver has answered; the answer is dropped.
    AfterAnswer,
}

/// One `kill -9` of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TrialKill {
    pub(super) point: KillPoint,
    /// At which of the messages of this kind, counted from 1.
    pub(super) nth: u64,
    pub(super) timing: KillTiming,
}

/// A step of a round; each has at most one kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrialStep {
    /// A user presses "Start trial".
    Order(usize),
    /// A user completes Stripe's page.
    Complete(usize),
    /// All trials end, and the cards are charged.
    TrialEnd,
    /// A user cancels the subscription.
    Cancel(usize),
}

impl TrialStep {
    /// Returns the messages that the step is certain to cause, with their number.
    fn kill_points(self) -> Vec<(KillPoint, u64)> {
        match self {
            Self::Order(_) => vec![(KillPoint::CheckoutCreation, 1)],
            Self::Complete(_) => vec![
                (KillPoint::CheckoutCompletion, 1),
                (KillPoint::Webhook, 2),
                (KillPoint::SubscriptionRead, 1),
                (KillPoint::Delivery("Trial started"), 1),
            ],
            Self::TrialEnd => vec![
                (KillPoint::Webhook, 3),
                (KillPoint::SubscriptionRead, 2),
                (KillPoint::Delivery("Trial converted"), 1),
            ],
            Self::Cancel(_) => vec![
                (KillPoint::SubscriptionChange, 1),
                (KillPoint::Webhook, 1),
                (KillPoint::SubscriptionRead, 1),
                (KillPoint::Delivery("Subscription canceled"), 1),
            ],
        }
    }
}

/// The steps of a round in order, each with its kill, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrialRound(pub(super) Vec<(TrialStep, Option<TrialKill>)>);

/// Number of kinds of kill points. Each is used before any is used again.
const KIND_COUNT: usize = 6;

const fn kind(point: KillPoint) -> usize {
    match point {
        KillPoint::CheckoutCreation => 0,
        KillPoint::CheckoutCompletion => 1,
        KillPoint::Webhook => 2,
        KillPoint::SubscriptionRead => 3,
        KillPoint::SubscriptionChange => 4,
        KillPoint::Delivery(_) => 5,
    }
}

impl TrialRound {
    /// Draws a round of `people` users with `kills` kills, at most one per step.
    pub(super) fn draw(rng: &mut Rng, people: usize, kills: usize) -> Self {
        let each = |step: fn(usize) -> TrialStep| (0..people).map(step);
        let mut steps: Vec<(TrialStep, Option<TrialKill>)> = each(TrialStep::Order)
            .chain(each(TrialStep::Complete))
            .chain([TrialStep::TrialEnd])
            .chain(each(TrialStep::Cancel))
            .map(|step| (step, None))
            .collect();
        let mut left = kills.min(steps.len());
        let of_kind = |step: TrialStep, wanted: usize| {
            let points = step.kill_points();
            points.into_iter().find(|(point, _)| kind(*point) == wanted)
        };
        let mut kinds: Vec<usize> = Vec::new();
        // Each pass over the kinds places at least one kill, because each free step has a kill point.
        while left > 0 {
            if kinds.is_empty() {
                kinds = (0..KIND_COUNT).collect();
                rng.shuffle(&mut kinds);
                kinds.truncate(left);
                // Kinds with the fewest possible steps are placed first (from the end), or other kinds could take these steps.
                let possible_steps = |wanted: &usize| {
                    steps
                        .iter()
                        .filter(|(step, _)| of_kind(*step, *wanted).is_some())
                        .count()
                };
                kinds.sort_by_key(|wanted| std::cmp::Reverse(possible_steps(wanted)));
            }
            let Some(wanted) = kinds.pop() else { break };
            let free: Vec<usize> = (0..steps.len())
                .filter(|index| {
                    let (step, kill) = steps[*index];
                    kill.is_none() && of_kind(step, wanted).is_some()
                })
                .collect();
            let Some(index) = rng.choice(&free).copied() else {
                continue;
            };
            if let Some((point, count)) = of_kind(steps[index].0, wanted) {
                steps[index].1 = Some(TrialKill {
                    point,
                    nth: rng.u64(1..=count),
                    timing: [
                        KillTiming::BeforeArrival,
                        KillTiming::DuringHandling,
                        KillTiming::AfterAnswer,
                    ][rng.usize(..3)],
                });
                left -= 1;
            }
        }
        Self(steps)
    }

    /// Returns a round of `people` users without kills.
    pub(super) fn without_kills(people: usize) -> Self {
        Self::draw(&mut Rng::with_seed(0), people, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64, people: usize, kills: usize) -> TrialRound {
        TrialRound::draw(&mut Rng::with_seed(seed), people, kills)
    }

    fn kills(round: &TrialRound) -> usize {
        round.0.iter().filter(|(_, kill)| kill.is_some()).count()
    }

    #[test]
    fn a_seed_determines_the_round() {
        assert_eq!(draw(7, 4, 6), draw(7, 4, 6));
        assert_ne!(draw(7, 4, 6), draw(8, 4, 6));
    }

    #[test]
    fn the_number_of_kills_is_as_requested_and_at_most_one_per_step() {
        for seed in 0..200 {
            for (people, kills, expected) in [(4, 6, 6), (1, 4, 4), (1, 9, 4), (3, 0, 0), (3, 10, 10)] {
                assert_eq!(self::kills(&draw(seed, people, kills)), expected, "seed {seed}");
            }
        }
        assert_eq!(kills(&TrialRound::without_kills(2)), 0);
    }

    #[test]
    fn each_kind_of_kill_point_is_used_before_any_is_used_again() {
        for seed in 0..200 {
            let round = draw(seed, 3, KIND_COUNT);
            let mut kinds: Vec<usize> = round
                .0
                .iter()
                .filter_map(|(_, kill)| Some(kind((*kill)?.point)))
                .collect();
            kinds.sort_unstable();
            assert_eq!(kinds, (0..KIND_COUNT).collect::<Vec<_>>(), "seed {seed}");
        }
    }

    #[test]
    fn a_kill_waits_only_for_messages_of_its_step() {
        for seed in 0..200 {
            for (step, kill) in draw(seed, 3, 10).0 {
                let Some(kill) = kill else { continue };
                let certain = step.kill_points();
                assert!(
                    certain
                        .iter()
                        .any(|(point, count)| *point == kill.point && kill.nth <= *count),
                    "seed {seed}: {step:?} {kill:?}"
                );
            }
        }
    }
}
