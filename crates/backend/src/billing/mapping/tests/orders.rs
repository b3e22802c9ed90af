//! No order, repetition or delay of a life's webhooks makes other events of it.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::lives::{LIVES, outbox, told};
use super::*;

/// Webhooks in any order, some of them again, each applied at any moment after it was made: with what was known then.
fn deliveries() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
    (0..LIVES.len()).prop_flat_map(|life| {
        let steps = LIVES[life].1().steps().len();
        let again = proptest::collection::vec(0..steps, 0..steps);
        (
            again,
            proptest::collection::vec(any::<proptest::sample::Index>(), 2 * steps),
        )
            .prop_flat_map(move |(again, later)| {
                let all: Vec<_> = (0..steps)
                    .chain(again)
                    .zip(later)
                    .map(|(step, later)| (step, step + later.index(steps - step)))
                    .collect();
                (Just(life), Just(all).prop_shuffle())
            })
    })
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_order_repetition_or_delay_makes_other_events((life, deliveries) in deliveries()) {
        let (why, live, _) = LIVES[life];
        let steps = live().steps();
        let in_order = outbox(steps.iter().flat_map(|step| told(step, &step.known)));
        let delivered = outbox(
            deliveries.into_iter().flat_map(|(step, then)| {
                let known = Known { refunded: steps[step].known.refunded.clone(), ..steps[then].known.clone() };
                told(&steps[step], &known)
            }),
        );
        prop_assert_eq!(delivered, in_order, "{}", why);
    }
}
