//! Field case 25: an event never has an earlier time than its cause, also where Stripe's whole seconds say so.

use db::testing::engines;
use serde_json::{Value, json};
use tracking::PlanInterval;

use super::environment::{Environment, Person};
use crate::support::NOW;

/// Signs up, starts a trial with a card and moves Stripe's clock past the first payment and a renewal, all within the last
/// fifth of one second. Returns the webhooks, oldest first.
async fn webhooks_of_one_second(env: &mut Environment) -> (Person, Vec<Value>) {
    env.advance(800);
    let ada = env.person("ada@example.com").await;
    env.advance(50);
    let page = env.start(&ada, PlanInterval::Month).await;
    env.stripe.complete_checkout(&page, None).await;
    env.attach_card(&ada).await;
    let mut webhooks = env.new_webhooks().await;
    let created = |webhook: &&Value| webhook["type"] == "customer.subscription.created";
    let subscription = webhooks.iter().find(created).unwrap()["data"]["object"]["id"].clone();
    for until in ["trial_end", "payment", "period_end", "payment"] {
        let body = json!({"subscription": subscription, "until": until});
        env.stripe.control("clock", body).await;
    }
    webhooks.extend(env.new_webhooks().await);
    for webhook in &webhooks {
        assert_eq!(webhook["created"], NOW / 1_000, "{}", webhook["type"]);
    }
    (ada, webhooks)
}

/// The names and times of the account's events, in the order of their times.
async fn timeline(env: &Environment, person: &Person) -> Vec<(String, i64)> {
    let entries = env.store.events_of(person.user.id).await;
    let mut events: Vec<_> = entries
        .into_iter()
        .map(|entry| (entry.event_type, entry.time_ms - NOW))
        .collect();
    events.sort_by_key(|(_, time_ms)| *time_ms);
    events
}

#[tokio::test]
async fn case_25_events_of_one_second_are_in_the_order_of_their_causes() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let (ada, webhooks) = webhooks_of_one_second(&mut env).await;
        for webhook in &webhooks {
            env.receive(webhook).await.unwrap();
            env.worker.drain().await.unwrap();
        }
        let expected = [
            ("Sign-up completed", 800),
            ("Trial started", 851),
            ("Trial converted", 852),
            ("Subscription renewal", 853),
        ];
        let expected = expected.map(|(name, time_ms)| (name.to_owned(), time_ms));
        assert_eq!(timeline(&env, &ada).await, expected, "{engine:?}");
        let payload: Value = serde_json::from_str(
            &env.store
                .texts("SELECT payload FROM outbox WHERE event_type = 'Trial converted'")
                .await[0],
        )
        .unwrap();
        assert_eq!(
            payload["time"],
            NOW + 852,
            "{engine:?}: the payload has the same time"
        );
        let insert_id = payload["insert_id"].as_str().unwrap();
        assert!(
            insert_id.starts_with("trial-converted:sub_"),
            "{engine:?}: {insert_id}"
        );
    }
}

#[tokio::test]
async fn case_25_the_order_does_not_depend_on_the_order_of_webhooks() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let (ada, webhooks) = webhooks_of_one_second(&mut env).await;
        for webhook in webhooks.iter().rev() {
            env.receive(webhook).await.unwrap();
            env.worker.drain().await.unwrap();
        }
        let events = timeline(&env, &ada).await;
        let time = |name: &str| events.iter().find(|(event, _)| event == name).unwrap().1;
        assert_eq!(
            (time("Sign-up completed"), time("Trial started")),
            (800, 851),
            "{engine:?}"
        );
        assert_eq!(time("Trial converted"), 852, "{engine:?}");
        assert!(time("Subscription renewal") >= 852, "{engine:?}");
    }
}
