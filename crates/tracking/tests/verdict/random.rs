//! Random correct scenarios: the verdict is clean for any order of arrival.

use proptest::prelude::*;
use tracking::StitchedBy;
use tracking::verdict::{HandoffKind, RuleOutcome, verdict};

use crate::scenario::{DAY, MINUTE, Scenario};

/// A step of a scenario. Steps that are impossible in the current state are skipped.
#[derive(Clone, Copy, Debug)]
enum Step {
    View,
    Poll,
    Leave,
    SignOutAndIn,
    BlockSdk,
    StartTrial { minutes: i64 },
    Subscribe,
    Cancel { at_portal: bool },
    CancelAtStripe,
    Resume,
    Pay,
    RefundRecord,
    Fail,
    Expire,
}

/// The state of the subscription.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SubscriptionState {
    None,
    Trial { canceled: bool },
    Paid { canceled: bool },
    Over,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::View),
        2 => Just(Step::Poll),
        2 => Just(Step::Leave),
        2 => Just(Step::SignOutAndIn),
        1 => Just(Step::BlockSdk),
        3 => (0_i64..90).prop_map(|minutes| Step::StartTrial { minutes }),
        1 => Just(Step::Subscribe),
        2 => any::<bool>().prop_map(|at_portal| Step::Cancel { at_portal }),
        1 => Just(Step::CancelAtStripe),
        2 => Just(Step::Resume),
        3 => Just(Step::Pay),
        1 => Just(Step::RefundRecord),
        1 => Just(Step::Fail),
        1 => Just(Step::Expire),
    ]
}

fn run(steps: &[Step]) -> Scenario {
    use SubscriptionState as S;
    let mut scenario = Scenario::new();
    scenario.sign_up();
    let mut state = S::None;
    for step in steps {
        match (step, state) {
            (Step::View, _) => {
                scenario.view("/polls");
            }
            (Step::Poll, _) => {
                scenario.poll();
            }
            (Step::Leave, _) => {
                scenario.wait(2 * DAY).view("/polls");
            }
            (Step::SignOutAndIn, _) => {
                scenario.view("/polls").sign_out().view("/").sign_in();
            }
            // Takes effect in a new session, because the SDK has run in the current one.
            (Step::BlockSdk, _) => {
                scenario.view("/polls").sign_out();
                scenario.sdk = !scenario.sdk;
                scenario.view("/").sign_in();
            }
            (Step::StartTrial { minutes }, S::None) => {
                scenario.start_trial(minutes * MINUTE);
                state = S::Trial { canceled: false };
            }
            (Step::Subscribe, S::None) => {
                scenario.subscribe();
                state = S::Paid { canceled: false };
            }
            (Step::Cancel { at_portal }, S::Trial { canceled: false } | S::Paid { canceled: false }) => {
                let kind = if *at_portal {
                    HandoffKind::Portal
                } else {
                    HandoffKind::Cancel
                };
                let in_trial = matches!(state, S::Trial { .. });
                scenario.cancel(kind, in_trial);
                state = if in_trial {
                    S::Trial { canceled: true }
                } else {
                    S::Paid { canceled: true }
                };
            }
            (Step::CancelAtStripe, S::Trial { canceled: false }) => {
                scenario.cancel_at_stripe(DAY).expire(true);
                state = S::Over;
            }
            (Step::Resume, S::Trial { canceled: true }) => {
                scenario.resume(true);
                state = S::Trial { canceled: false };
            }
            (Step::Resume, S::Paid { canceled: true }) => {
                scenario.resume(false);
                state = S::Paid { canceled: false };
            }
            (Step::Pay, S::Trial { canceled: false }) => {
                scenario.convert();
                state = S::Paid { canceled: false };
            }
            (Step::Pay, S::Paid { canceled: false }) => {
                scenario.renew();
            }
            (Step::RefundRecord, S::Paid { .. }) => {
                scenario.refund(300);
            }
            (Step::Fail, S::Paid { .. } | S::Trial { canceled: false }) => {
                scenario.payment_fails();
            }
            (Step::Expire, S::Trial { .. }) => {
                scenario.expire(true);
                state = S::Over;
            }
            (Step::Expire, S::Paid { .. }) => {
                scenario.expire(false);
                state = S::Over;
            }
            _ => {}
        }
    }
    scenario
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_correct_scenario_is_clean_in_any_order_of_arrival(
        steps in prop::collection::vec(step(), 0..25),
        arrival in prop::collection::vec(any::<u16>(), 1..200),
    ) {
        let scenario = run(&steps);
        let mut places: Vec<usize> = (0..scenario.events.len()).collect();
        places.sort_by_key(|&place| (arrival[place % arrival.len()], place));
        let shuffled: Vec<_> = places.iter().map(|&place| scenario.events[place].clone()).collect();
        let expected = verdict(&scenario.events, &scenario.facts);
        prop_assert!(expected.clean, "{:#?}", expected.rulings);
        // Only blockers, stale clicks and Stripe's dashboard lead to explained rules.
        use StitchedBy::{NoneKnown, ServerSession, StaleHandoff};
        let open = |by| matches!(by, ServerSession | StaleHandoff | NoneKnown);
        let all_known = !scenario.events.iter().filter_map(|event| event.stitched_by).any(open);
        prop_assert_eq!(expected.rules(RuleOutcome::Explained).is_empty(), all_known, "{:#?}", expected.rulings);
        prop_assert_eq!(verdict(&shuffled, &scenario.facts), expected);
    }

    #[test]
    fn every_repeated_event_is_detected(
        steps in prop::collection::vec(step(), 0..15),
        place in any::<prop::sample::Index>(),
    ) {
        let scenario = run(&steps);
        let mut again = place.get(&scenario.events).clone();
        again.uuid.push_str("-again");
        let mut events = scenario.events.clone();
        events.push(again);
        prop_assert!(!verdict(&events, &scenario.facts).clean);
    }
}
