//! Events of an outage, which Stripe's list still has when its retries have ended.

use backend::billing::EventReplay;
use backend::billing::inbox::Received;
use db::testing::engines;
use tracking::PlanInterval::Month;

use super::environment::{Environment, Person, SECOND};
use super::stand_in::text;
use crate::support::DAY;

/// A trial that starts and converts. Webhooks are applied each day, or not at all.
async fn paid(env: &mut Environment, person: &Person, is_outage: bool) {
    let page = env.start(person, Month).await;
    env.advance(20 * SECOND);
    env.stripe.complete_checkout(&page, None).await;
    env.attach_card(person).await;
    for _ in 0..5 {
        if !is_outage {
            env.deliver().await;
        }
        env.advance(DAY);
    }
}

#[tokio::test]
async fn events_of_an_outage_are_received_once() {
    for engine in engines() {
        let mut without_outage = Environment::new(engine).await;
        let ada = without_outage.person("ada@example.com").await;
        paid(&mut without_outage, &ada, false).await;
        without_outage.deliver().await;
        let expected = without_outage.names(&ada).await;
        assert!(expected.contains(&"Trial converted".to_owned()), "{expected:?}");

        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let since_secs = env.store.clock.now_ms() / 1_000;
        paid(&mut env, &ada, true).await;
        assert_eq!(env.names(&ada).await, [""; 0], "{engine:?}: nothing has arrived");
        // Of the types that have an effect, more than a page, and not ours.
        let stranger = env.stripe.post("/v1/customers", &[("name", "Eve")]).await;
        let stranger = format!("/v1/customers/{}", text(&stranger, "id"));
        for number in 0..120 {
            let name = format!("Eve {number}");
            env.stripe.post(&stranger, &[("name", &name)]).await;
        }

        let first = env.billing.replay_events(since_secs).await.unwrap();
        assert_eq!((first.duplicates, first.not_ours), (0, 120), "{engine:?}");
        assert!(first.stored > 0, "{engine:?}");
        let counted = "SELECT CAST(SUM(webhooks) AS TEXT) FROM stripe_not_ours";
        assert_eq!(env.store.texts(counted).await, ["120"], "{engine:?}");
        env.worker.drain().await.unwrap();
        assert_eq!(env.names(&ada).await, expected, "{engine:?}");

        let again = env.billing.replay_events(since_secs).await.unwrap();
        let expected_again = EventReplay {
            stored: 0,
            duplicates: first.stored,
            not_ours: 120,
        };
        assert_eq!(again, expected_again, "{engine:?}");
        // Nor do webhooks that Stripe sends after all add anything.
        for webhook in env.new_webhooks().await {
            assert_ne!(env.receive(&webhook).await.unwrap(), Received::New, "{engine:?}");
        }
        env.worker.drain().await.unwrap();
        assert_eq!(env.names(&ada).await, expected, "{engine:?}");
    }
}

#[tokio::test]
async fn webhooks_that_are_not_ours_are_counted_although_a_later_one_fails() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let since_secs = env.store.clock.now_ms() / 1_000;
        let stranger = env.stripe.post("/v1/customers", &[("name", "Eve")]).await;
        let stranger = format!("/v1/customers/{}", text(&stranger, "id"));
        for name in ["Eve 1", "Eve 2"] {
            env.stripe.post(&stranger, &[("name", name)]).await;
        }
        paid(&mut env, &ada, true).await;
        env.store
            .execute("ALTER TABLE stripe_inbox RENAME TO out_of_order")
            .await;
        env.billing.replay_events(since_secs).await.unwrap_err();
        let counted = "SELECT CAST(SUM(webhooks) AS TEXT) FROM stripe_not_ours";
        assert_eq!(env.store.texts(counted).await, ["2"], "{engine:?}");
    }
}

#[tokio::test]
async fn older_events_are_not_received() {
    let mut env = Environment::new(db::Engine::Sqlite).await;
    let ada = env.person("ada@example.com").await;
    paid(&mut env, &ada, true).await;
    let since_secs = env.store.clock.now_ms() / 1_000;
    let replay = env.billing.replay_events(since_secs).await.unwrap();
    // The renewal's payment is of the last day; the start of the trial is older.
    env.worker.drain().await.unwrap();
    let names = env.names(&ada).await;
    assert!(
        !names.contains(&"Trial started".to_owned()),
        "{replay:?} {names:?}"
    );
}
