//! At which moments the app is killed: drawn from a seed, and named by the message that is on its way. Pure.

use fastrand::Rng;

/// Between Stripe's call and Amplitude's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The app asks Stripe for a Checkout session.
    Checkout,
    /// Stripe's page was completed just now, and no webhook has left yet.
    Completed,
    /// A webhook is on its way to the app.
    Webhook,
    /// A worker asks how a subscription stands.
    Asking,
    /// The app asks Stripe for a change of a subscription.
    Change,
    /// The dispatcher sends an event of this name.
    Sending(&'static str),
}

/// On which side of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// It never arrives.
    Before,
    /// It arrives, and meanwhile the app dies.
    During,
    /// It arrives and is answered, and the answer does not.
    After,
}

/// One `kill -9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kill {
    pub(super) moment: Moment,
    /// At which of the moment's messages, from 1.
    pub(super) nth: u64,
    pub(super) edge: Edge,
}

/// What is done in a round; each may meet one kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Somebody presses "Start trial".
    Order(usize),
    /// Somebody completes Stripe's page.
    Complete(usize),
    /// Everybody's trial ends, and the cards are charged.
    TrialEnd,
    /// Somebody cancels.
    Cancel(usize),
}

impl Step {
    /// What is certain to happen after it, with how many messages.
    fn moments(self) -> Vec<(Moment, u64)> {
        match self {
            Self::Order(_) => vec![(Moment::Checkout, 1)],
            Self::Complete(_) => vec![
                (Moment::Completed, 1),
                (Moment::Webhook, 2),
                (Moment::Asking, 1),
                (Moment::Sending("Trial started"), 1),
            ],
            Self::TrialEnd => vec![
                (Moment::Webhook, 3),
                (Moment::Asking, 2),
                (Moment::Sending("Trial converted"), 1),
            ],
            Self::Cancel(_) => vec![
                (Moment::Change, 1),
                (Moment::Webhook, 1),
                (Moment::Asking, 1),
                (Moment::Sending("Subscription canceled"), 1),
            ],
        }
    }
}

/// A round's steps in their order, each with its kill, if it meets one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round(pub(super) Vec<(Step, Option<Kill>)>);

/// Kinds of moments, so that each is met before any is again.
const KINDS: usize = 6;

const fn kind(moment: Moment) -> usize {
    match moment {
        Moment::Checkout => 0,
        Moment::Completed => 1,
        Moment::Webhook => 2,
        Moment::Asking => 3,
        Moment::Change => 4,
        Moment::Sending(_) => 5,
    }
}

impl Round {
    /// A round of so many people with so many kills, or one at each step.
    pub(super) fn draw(rng: &mut Rng, people: usize, kills: usize) -> Self {
        let each = |step: fn(usize) -> Step| (0..people).map(step);
        let mut steps: Vec<(Step, Option<Kill>)> = each(Step::Order)
            .chain(each(Step::Complete))
            .chain([Step::TrialEnd])
            .chain(each(Step::Cancel))
            .map(|step| (step, None))
            .collect();
        let mut left = kills.min(steps.len());
        let of_kind = |step: Step, wanted: usize| {
            let moments = step.moments();
            moments.into_iter().find(|(moment, _)| kind(*moment) == wanted)
        };
        let mut kinds: Vec<usize> = Vec::new();
        // Every round of kinds places at least one: whatever step is free has some moment.
        while left > 0 {
            if kinds.is_empty() {
                kinds = (0..KINDS).collect();
                rng.shuffle(&mut kinds);
                kinds.truncate(left);
                // The choosiest are served first (from the end), or the others could take their only steps.
                let places = |wanted: &usize| {
                    steps
                        .iter()
                        .filter(|(step, _)| of_kind(*step, *wanted).is_some())
                        .count()
                };
                kinds.sort_by_key(|wanted| std::cmp::Reverse(places(wanted)));
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
            if let Some((moment, most)) = of_kind(steps[index].0, wanted) {
                steps[index].1 = Some(Kill {
                    moment,
                    nth: rng.u64(1..=most),
                    edge: [Edge::Before, Edge::During, Edge::After][rng.usize(..3)],
                });
                left -= 1;
            }
        }
        Self(steps)
    }

    /// The same without kills.
    pub(super) fn in_peace(people: usize) -> Self {
        Self::draw(&mut Rng::with_seed(0), people, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64, people: usize, kills: usize) -> Round {
        Round::draw(&mut Rng::with_seed(seed), people, kills)
    }

    fn kills(round: &Round) -> usize {
        round.0.iter().filter(|(_, kill)| kill.is_some()).count()
    }

    #[test]
    fn a_seed_is_a_round() {
        assert_eq!(draw(7, 4, 6), draw(7, 4, 6));
        assert_ne!(draw(7, 4, 6), draw(8, 4, 6));
    }

    #[test]
    fn as_many_kills_as_asked_for_and_one_a_step_at_most() {
        for seed in 0..200 {
            for (people, kills, expected) in [(4, 6, 6), (1, 4, 4), (1, 9, 4), (3, 0, 0), (3, 10, 10)] {
                assert_eq!(self::kills(&draw(seed, people, kills)), expected, "seed {seed}");
            }
        }
        assert_eq!(kills(&Round::in_peace(2)), 0);
    }

    #[test]
    fn every_kind_of_moment_before_any_again() {
        for seed in 0..200 {
            let round = draw(seed, 3, KINDS);
            let mut kinds: Vec<usize> = round
                .0
                .iter()
                .filter_map(|(_, kill)| Some(kind((*kill)?.moment)))
                .collect();
            kinds.sort_unstable();
            assert_eq!(kinds, (0..KINDS).collect::<Vec<_>>(), "seed {seed}");
        }
    }

    #[test]
    fn a_kill_waits_only_for_what_its_step_brings_about() {
        for seed in 0..200 {
            for (step, kill) in draw(seed, 3, 10).0 {
                let Some(kill) = kill else { continue };
                let certain = step.moments();
                assert!(
                    certain
                        .iter()
                        .any(|(moment, most)| *moment == kill.moment && kill.nth <= *most),
                    "seed {seed}: {step:?} {kill:?}"
                );
            }
        }
    }
}
