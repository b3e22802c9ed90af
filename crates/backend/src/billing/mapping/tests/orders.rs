//! Order, repetition and delay of webhooks do not change the events.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::scenarios::{SCENARIOS, outbox, tracked_events};
use super::*;

/// Webhooks in any order, some repeated, each applied at any time after it was created, with the state fetched then.
fn deliveries() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
    (0..SCENARIOS.len()).prop_flat_map(|scenario| {
        let steps = SCENARIOS[scenario].1().steps().len();
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
                (Just(scenario), Just(all).prop_shuffle())
            })
    })
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn order_repetition_and_delay_do_not_change_the_events((scenario, deliveries) in deliveries()) {
        let (why, simulate, _) = SCENARIOS[scenario];
        let steps = simulate().steps();
        let in_order = outbox(steps.iter().flat_map(|step| tracked_events(step, &step.input)));
        // A webhook is received before it is applied, and others may have been received before.
        let mut received = Vec::new();
        let delivered = outbox(
            deliveries.into_iter().flat_map(|(step, then)| {
                received.push(steps[step].webhook.clone());
                let input = InputJson {
                    refunded: steps[step].input.refunded.clone(),
                    received: received.clone(),
                    ..steps[then].input.clone()
                };
                tracked_events(&steps[step], &input)
            }),
        );
        prop_assert_eq!(delivered, in_order, "{}", why);
    }
}
