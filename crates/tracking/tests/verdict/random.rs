//! Random lives: well made, they are clean, in whatever order their events arrive.

use proptest::prelude::*;
use tracking::StitchedBy;
use tracking::verdict::{Standing, Way, verdict};

use crate::life::{DAY, Life, MINUTE};

/// What somebody may do next. What makes no sense where they are is left out.
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
    Refund,
    Fail,
    Expire,
}

/// How far the subscription has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
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
        1 => Just(Step::Refund),
        1 => Just(Step::Fail),
        1 => Just(Step::Expire),
    ]
}

fn live(steps: &[Step]) -> Life {
    use Stage as S;
    let mut life = Life::new();
    life.sign_up();
    let mut stage = S::None;
    for step in steps {
        match (step, stage) {
            (Step::View, _) => {
                life.view("/polls");
            }
            (Step::Poll, _) => {
                life.poll();
            }
            (Step::Leave, _) => {
                life.wait(2 * DAY).view("/polls");
            }
            (Step::SignOutAndIn, _) => {
                life.view("/polls").sign_out().view("/").sign_in();
            }
            // From the next visit on: in a session that it has begun, the SDK has been seen.
            (Step::BlockSdk, _) => {
                life.view("/polls").sign_out();
                life.sdk = !life.sdk;
                life.view("/").sign_in();
            }
            (Step::StartTrial { minutes }, S::None) => {
                life.start_trial(minutes * MINUTE);
                stage = S::Trial { canceled: false };
            }
            (Step::Subscribe, S::None) => {
                life.subscribe();
                stage = S::Paid { canceled: false };
            }
            (Step::Cancel { at_portal }, S::Trial { canceled: false } | S::Paid { canceled: false }) => {
                let way = if *at_portal { Way::Portal } else { Way::Cancel };
                let in_trial = matches!(stage, S::Trial { .. });
                life.cancel(way, in_trial);
                stage = if in_trial {
                    S::Trial { canceled: true }
                } else {
                    S::Paid { canceled: true }
                };
            }
            (Step::CancelAtStripe, S::Trial { canceled: false }) => {
                life.cancel_at_stripe().expire(true);
                stage = S::Over;
            }
            (Step::Resume, S::Trial { canceled: true }) => {
                life.resume(true);
                stage = S::Trial { canceled: false };
            }
            (Step::Resume, S::Paid { canceled: true }) => {
                life.resume(false);
                stage = S::Paid { canceled: false };
            }
            (Step::Pay, S::Trial { canceled: false }) => {
                life.convert();
                stage = S::Paid { canceled: false };
            }
            (Step::Pay, S::Paid { canceled: false }) => {
                life.renew();
            }
            (Step::Refund, S::Paid { .. }) => {
                life.refund(300);
            }
            (Step::Fail, S::Paid { .. } | S::Trial { canceled: false }) => {
                life.payment_fails();
            }
            (Step::Expire, S::Trial { .. }) => {
                life.expire(true);
                stage = S::Over;
            }
            (Step::Expire, S::Paid { .. }) => {
                life.expire(false);
                stage = S::Over;
            }
            _ => {}
        }
    }
    life
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_well_made_life_is_clean_in_any_order_of_arrival(
        steps in prop::collection::vec(step(), 0..25),
        arrival in prop::collection::vec(any::<u16>(), 1..200),
    ) {
        let life = live(&steps);
        let mut places: Vec<usize> = (0..life.events.len()).collect();
        places.sort_by_key(|&place| (arrival[place % arrival.len()], place));
        let shuffled: Vec<_> = places.iter().map(|&place| life.events[place].clone()).collect();
        let told = verdict(&life.events, &life.facts);
        prop_assert!(told.clean, "{:#?}", told.rulings);
        // What is explained is what blockers, stale clicks and Stripe's dashboard leave open, and nothing else.
        use StitchedBy::{NoneKnown, ServerSession, StaleHandoff};
        let open = |by| matches!(by, ServerSession | StaleHandoff | NoneKnown);
        let all_known = !life.events.iter().filter_map(|event| event.stitched_by).any(open);
        prop_assert_eq!(told.rules(Standing::Explained).is_empty(), all_known, "{:#?}", told.rulings);
        prop_assert_eq!(verdict(&shuffled, &life.facts), told);
    }

    #[test]
    fn no_event_of_a_life_can_be_counted_twice_unseen(
        steps in prop::collection::vec(step(), 0..15),
        place in any::<prop::sample::Index>(),
    ) {
        let life = live(&steps);
        let mut again = place.get(&life.events).clone();
        again.uuid.push_str("-again");
        let mut events = life.events.clone();
        events.push(again);
        prop_assert!(!verdict(&events, &life.facts).clean);
    }
}
