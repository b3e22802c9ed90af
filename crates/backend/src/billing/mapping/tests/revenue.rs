//! The definition of revenue as a property: for any subscription and any order of webhooks, the sum of the revenue events
//! is the money that moved.

mod world;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::Config;
use tracking::Currency;

use super::*;
use world::{Action, Proration, Terms, World, WorldStep};

fn terms() -> impl Strategy<Value = Terms> {
    let currency = prop::sample::select(vec!["usd", "eur", "jpy", "krw", "kwd", "bhd", "isk"]);
    let unit = prop::sample::select(vec!["day", "week", "month", "year"]);
    let interval = (unit, 1_u32..4);
    let items = (
        1_i64..6,
        0_i64..5_000,
        proptest::option::of((1_i64..3, 1_i64..900)),
    );
    let coupon = prop::sample::select(vec![0, 0, 25, 50, 100]);
    let tax = prop::sample::select(vec![0, 0, 7, 20]);
    (currency, interval, items, coupon, tax, any::<bool>(), 0_i64..700).prop_map(
        |(currency, interval, (seats, unit, extra), coupon, tax, trial, fee)| Terms {
            currency,
            interval,
            seats,
            unit,
            extra,
            coupon,
            tax,
            trial,
            // Half of the subscriptions have no set-up fee.
            fee: if fee < 350 { 0 } else { fee },
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    let proration = prop::sample::select(vec![Proration::AlwaysInvoice, Proration::Create, Proration::None]);
    prop_oneof![
        4 => any::<bool>().prop_map(|out_of_band| Action::Renew { out_of_band }),
        3 => (1_i64..9, proration).prop_map(|(seats, proration)| Action::SetSeats { seats, proration }),
        3 => (any::<prop::sample::Index>(), 1_i64..=100, any::<bool>())
            .prop_map(|(payment, percent, fails)| Action::Refund { payment, percent, fails }),
        2 => (any::<prop::sample::Index>(), any::<bool>())
            .prop_map(|(payment, won)| Action::Dispute { payment, won }),
        2 => (1_i64..3_000).prop_map(Action::GrantCredit),
        1 => Just(Action::FailThenRecover),
        1 => Just(Action::RestartCycle),
        1 => Just(Action::PauseAndResume),
        1 => Just(Action::ChangePrice),
        1 => (1_i64..900).prop_map(Action::BillExtra),
        1 => (1_i64..900).prop_map(Action::BillOneOff),
    ]
}

/// The events of a step: insert ID and revenue in minor units. Everything else depends on nothing but the webhooks either,
/// which `orders` checks.
fn outbox(currency: Currency, steps: &[WorldStep], deliveries: &[(usize, usize)]) -> BTreeMap<String, i64> {
    let mut received = Vec::new();
    let mut kept = BTreeMap::new();
    for &(step, then) in deliveries {
        received.push(steps[step].webhook.clone());
        let input = InputJson {
            refunded: steps[step].reversed_invoice.clone(),
            received: received.clone(),
            ..InputJson::of(steps[then].fetched.clone(), &steps[then].paid)
        };
        for event in input.map(&steps[step].webhook).unwrap() {
            let event = event.to_wire();
            let insert_id = event["insert_id"].as_str().unwrap().to_owned();
            let revenue = event
                .get("revenue")
                .map_or(0.0, |revenue| revenue.as_f64().unwrap());
            if revenue != 0.0 {
                assert_eq!(event["currency"], currency.iso_code());
            }
            let minor = revenue * 10_f64.powi(currency.decimals().cast_signed());
            #[expect(clippy::cast_possible_truncation, reason = "small amounts")]
            kept.entry(insert_id).or_insert(minor.round() as i64);
        }
    }
    kept
}

/// Deliveries in any order, some repeated, each applied at any time after it was sent.
fn deliveries(steps: usize, random: &mut fastrand::Rng) -> Vec<(usize, usize)> {
    let again: Vec<usize> = (0..random.usize(0..=steps))
        .map(|_| random.usize(0..steps))
        .collect();
    let mut all: Vec<(usize, usize)> = (0..steps)
        .chain(again)
        .map(|step| (step, random.usize(step..steps)))
        .collect();
    random.shuffle(&mut all);
    all
}

proptest! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_sum_of_the_revenue_events_is_the_money_that_moved(
        terms in terms(),
        on_trial in proptest::collection::vec(1_i64..9, 0..3),
        actions in proptest::collection::vec(action(), 0..12),
        seed in any::<u64>(),
    ) {
        let world = World::run(&terms, &on_trial, &actions);
        let currency = Currency::parse(terms.currency).unwrap();
        let steps = &world.steps;
        let in_order: Vec<_> = (0..steps.len()).map(|step| (step, step)).collect();
        let events = outbox(currency, steps, &in_order);
        prop_assert_eq!(events.values().sum::<i64>(), world.money_moved, "{:?}", &events);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..3 {
            let shuffled = outbox(currency, steps, &deliveries(steps.len(), &mut random));
            prop_assert_eq!(&shuffled, &events);
        }
    }
}
