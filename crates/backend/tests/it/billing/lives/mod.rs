//! A property of billing: whatever the order of webhooks, however often they come, and however many apply them, what is
//! told and what is known in the end is the same, each fact is told once, and the revenue is the money.
//!
//! People live through more than a dozen lives against one stand-in. One database hears of everything at once and in
//! order, and the verbs read it. Others follow: webhooks reach them shuffled, doubled and days late, so that what they
//! fetch of Stripe is of another day each time.

mod follower;
mod life;
mod play;
mod record;

use db::Engine;
use db::testing::engines;

use super::stage::{Stage, names, revenue};
use follower::{Follower, Manner};
use life::{DAYS, LIVES};
use play::Play;
use record::Record;

const MANNERS: [Manner; 4] = [
    Manner {
        engine: Engine::Sqlite,
        workers: 1,
        waits: 1.0,
    },
    Manner {
        engine: Engine::Sqlite,
        workers: 4,
        waits: 1.0,
    },
    Manner {
        engine: Engine::Sqlite,
        workers: 4,
        waits: 0.5,
    },
    Manner {
        engine: Engine::Postgres,
        workers: 4,
        waits: 0.8,
    },
];

/// Everything is drawn from one number, which a failure tells. `LIVES_SEED` draws the same again, but for who of
/// several workers was quicker.
fn seed() -> u64 {
    let given = std::env::var("LIVES_SEED").ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_order_of_webhooks_tells_the_same_story() {
    let seed = seed();
    let mut play = Play::new(Stage::seeded(Engine::Sqlite, Some(seed)).await).await;
    let mut followers = Vec::new();
    for (number, manner) in (1..).zip(MANNERS) {
        if !engines().contains(&manner.engine) {
            continue;
        }
        followers.push(Follower::new(manner, &play.stage, seed.wrapping_add(number)).await);
    }
    for day in 0..=DAYS {
        let webhooks = play.day(day).await;
        for follower in &mut followers {
            follower.day(&play.stage, &webhooks, day == DAYS).await;
        }
    }

    for (life, person) in LIVES.iter().zip(&play.people) {
        let why = format!("{} (LIVES_SEED={seed})", life.name);
        let told = play.stage.told(person).await;
        assert_eq!(names(&told), life.events, "{why}: in order");
        let customer = play.stage.customer(person).await;
        assert_eq!(play.stage.stripe.money_of(&customer).await, life.money, "{why}");
        let in_order = Record::of(&play.stage.store.test.db, person.user.id).await;
        assert_eq!(in_order.revenue(), life.money, "{why}");
        assert_eq!(told.iter().map(revenue).sum::<i64>(), life.money, "{why}");
        for follower in &followers {
            let record = Record::of(&follower.test.db, person.user.id).await;
            assert_eq!(record.revenue(), life.money, "{why}, {:?}", follower.manner);
            assert_eq!(record, in_order, "{why}, {:?}", follower.manner);
        }
    }
}
