//! Mails about trials and payments: once for each fact, in any order of webhooks, to confirmed addresses only.

use db::testing::engines;
use serde_json::{Value, json};

use super::environment::{Environment, Person};
use super::stand_in::{BAD_CARD, GOOD_CARD};
use crate::support::{DAY, MINUTE};

/// The kinds and details of the account's billing mails, oldest first.
async fn mails(environment: &Environment, person: &Person) -> Vec<String> {
    let sql = format!(
        "SELECT kind || ': ' || detail FROM mails WHERE user_id = '{}' AND kind NOT LIKE '%email%' ORDER BY sequence",
        person.user.id
    );
    environment.store.texts(&sql).await
}

async fn person(environment: &Environment, email: &str) -> Person {
    let person = environment.person(email).await;
    let confirm = format!(
        "UPDATE users SET email_verified_at = 1 WHERE id = '{}'",
        person.user.id
    );
    environment.store.execute(&confirm).await;
    person
}

/// The webhook under another ID, as Stripe sends one fact twice.
fn again(webhook: &Value) -> Value {
    let mut again = webhook.clone();
    again["id"] = json!(format!("{}_again", webhook["id"].as_str().unwrap()));
    again
}

/// Delivers all new webhooks, each also under a second ID.
async fn deliver_twice(environment: &mut Environment) {
    for webhook in environment.new_webhooks().await {
        for webhook in [again(&webhook), webhook] {
            environment.receive(&webhook).await.unwrap();
            environment.worker.drain().await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_end_of_a_trial_is_announced_once() {
    for engine in engines() {
        let mut environment = Environment::new(engine).await;
        let ada = person(&environment, "ada@example.com").await;
        environment.trial(&ada).await;
        for _ in 0..3 {
            deliver_twice(&mut environment).await;
            environment.advance(12 * 60 * MINUTE);
        }
        let found = mails(&environment, &ada).await;
        assert_eq!(found.len(), 1, "{engine:?}: {found:?}");
        assert!(
            found[0].starts_with("trial_ending_without_card: "),
            "{engine:?}: {found:?}"
        );
    }
}

#[tokio::test]
async fn each_failed_payment_is_reported_once_until_it_is_paid() {
    for engine in engines() {
        let mut environment = Environment::new(engine).await;
        let ada = person(&environment, "ada@example.com").await;
        environment.trial(&ada).await;
        environment.give_card(&ada, BAD_CARD).await;
        for _ in 0..4 {
            environment.advance(DAY);
            deliver_twice(&mut environment).await;
        }
        let failed: Vec<String> = mails(&environment, &ada)
            .await
            .into_iter()
            .filter(|mail| mail.starts_with("payment_failed: "))
            .collect();
        let events = environment.names(&ada).await;
        let attempts = events.iter().filter(|name| *name == "Payment failure").count();
        assert!(attempts > 0, "{engine:?}: {events:?}");
        assert_eq!(failed.len(), attempts, "{engine:?}: {failed:?} {events:?}");
        assert!(failed[0].ends_with(" USD"), "{engine:?}: {failed:?}");
    }
}

#[tokio::test]
async fn a_late_webhook_and_an_unconfirmed_address_get_no_mail() {
    for engine in engines() {
        let mut environment = Environment::new(engine).await;
        // An address that may be another person's.
        let bob = environment.person("bob@example.com").await;
        environment.trial(&bob).await;
        // The announcement arrives when the trial has become a subscription.
        let eve = person(&environment, "eve@example.com").await;
        environment.trial(&eve).await;
        let held: Vec<Value> = environment.stripe.all("/v1/events").await;
        environment.store.execute("DELETE FROM mails").await;
        environment.give_card(&eve, GOOD_CARD).await;
        environment.advance_days(4).await;
        environment.store.execute("DELETE FROM mails").await;
        let announced = held
            .iter()
            .filter(|event| event["type"] == "customer.subscription.trial_will_end");
        let mut late = 0;
        for webhook in announced {
            environment.receive(&again(webhook)).await.unwrap();
            environment.worker.drain().await.unwrap();
            late += 1;
        }
        assert_eq!(late, 2, "{engine:?}");
        for person in [&bob, &eve] {
            assert_eq!(
                mails(&environment, person).await,
                [""; 0],
                "{engine:?}: {}",
                person.device
            );
        }
    }
}
