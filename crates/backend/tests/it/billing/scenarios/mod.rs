//! Property: random order, repetition and delay of webhooks, and concurrent workers, do not change the events and
//! records. Each fact gives one event, and the revenue equals the payments.
//!
//! Several accounts run different scenarios against one stand-in. One database receives all webhooks at once and in
//! order. The followers receive them shuffled, repeated and days late, so that each fetches Stripe's state on other
//! days.

mod follower;
mod record;
mod runner;
mod scenario;

use db::Engine;
use db::testing::engines;

use super::environment::{Environment, names, revenue};
use follower::{DeliveryMode, Follower};
use record::Record;
use runner::Runner;
use scenario::{DAYS, SCENARIOS};

const MODES: [DeliveryMode; 4] = [
    DeliveryMode {
        engine: Engine::Sqlite,
        workers: 1,
        delay_probability: 1.0,
    },
    DeliveryMode {
        engine: Engine::Sqlite,
        workers: 4,
        delay_probability: 1.0,
    },
    DeliveryMode {
        engine: Engine::Sqlite,
        workers: 4,
        delay_probability: 0.5,
    },
    DeliveryMode {
        engine: Engine::Postgres,
        workers: 4,
        delay_probability: 0.8,
    },
];

/// The seed of all randomness; failures print it. `SEAMLINE_WEBHOOK_SEED` sets it. The interleaving of workers is not
/// reproducible.
fn seed() -> u64 {
    let given = std::env::var("SEAMLINE_WEBHOOK_SEED").ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_scenarios_give_the_same_timeline_under_any_webhook_order() {
    let seed = seed();
    let mut runner = Runner::new(Environment::with_seed(Engine::Sqlite, Some(seed)).await).await;
    let mut followers = Vec::new();
    for (number, mode) in (1..).zip(MODES) {
        if !engines().contains(&mode.engine) {
            continue;
        }
        followers.push(Follower::new(mode, &runner.env, seed.wrapping_add(number)).await);
    }
    for day in 0..=DAYS {
        let webhooks = runner.day(day).await;
        for follower in &mut followers {
            follower.day(&runner.env, &webhooks, day == DAYS).await;
        }
    }

    for (scenario, person) in SCENARIOS.iter().zip(&runner.people) {
        let why = format!("{} (SEAMLINE_WEBHOOK_SEED={seed})", scenario.name);
        let events = runner.env.events(person).await;
        assert_eq!(names(&events), scenario.events, "{why}: in order");
        let customer = runner.env.customer(person).await;
        assert_eq!(
            runner.env.stripe.money_of(&customer).await,
            scenario.money,
            "{why}"
        );
        let in_order = Record::of(&runner.env.store.test.db, person.user.id).await;
        assert_eq!(in_order.revenue(), scenario.money, "{why}");
        assert_eq!(events.iter().map(revenue).sum::<i64>(), scenario.money, "{why}");
        for follower in &followers {
            let record = Record::of(&follower.test.db, person.user.id).await;
            assert_eq!(record.revenue(), scenario.money, "{why}, {:?}", follower.mode);
            assert_eq!(record, in_order, "{why}, {:?}", follower.mode);
        }
    }
}
