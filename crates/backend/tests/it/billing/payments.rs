//! Payments, failed payments, and refunds.

use db::testing::engines;
use serde_json::Value;
use tracking::PlanInterval::Month;
use tracking::SubscriptionStatus;

use super::environment::{Environment, Person, SECOND, names, revenue};
use super::stand_in::{BAD_CARD, GOOD_CARD};

/// The subscription's status and the account type.
async fn account_state(env: &Environment, person: &Person) -> (SubscriptionStatus, String) {
    let subscription = env.overview(person).await.subscription.unwrap();
    (subscription.status, env.account_type(person).await)
}

async fn total(env: &Environment, person: &Person) -> i64 {
    env.events(person).await.iter().map(revenue).sum()
}

#[tokio::test]
async fn a_trial_converts_and_renews_without_a_browser() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        assert!(
            !env.overview(&ada).await.subscription.unwrap().has_card,
            "{engine:?}"
        );
        env.give_card(&ada, GOOD_CARD).await;
        assert!(
            env.overview(&ada).await.subscription.unwrap().has_card,
            "{engine:?}"
        );
        assert_eq!(
            env.names(&ada).await,
            ["Trial started"],
            "{engine:?}: a card is no event"
        );

        env.advance_days(35).await;
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events),
            ["Trial started", "Trial converted", "Subscription renewal"],
            "{engine:?}"
        );
        for event in &events[1..] {
            assert_eq!(revenue(event), 1_200, "{engine:?}");
            assert_eq!(
                (&event["device_id"], &event["session_id"]),
                (&Value::Null, &Value::Null),
                "{engine:?}"
            );
            let properties = &event["event_properties"];
            assert_eq!(properties["stitched_by"], "none by rule", "{engine:?}");
            assert_eq!(properties["click"], Value::Null, "{engine:?}");
        }
        let customer = env.customer(&ada).await;
        assert_eq!(env.stripe.money_of(&customer).await, 2_400, "{engine:?}");
        assert_eq!(env.overview(&ada).await.invoices.len(), 2, "{engine:?}");
    }
}

#[tokio::test]
async fn a_failed_payment_succeeds_later() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        env.give_card(&ada, BAD_CARD).await;
        env.advance_days(4).await;
        assert_eq!(
            env.names(&ada).await,
            ["Trial started", "Payment failure"],
            "{engine:?}"
        );
        let failure = env.last(&ada).await;
        let properties = &failure["event_properties"];
        assert_eq!(properties["attempt"], 1, "{engine:?}");
        assert_eq!(properties["subscription_status"], "past_due", "{engine:?}");
        assert_eq!(failure["revenue"], Value::Null, "{engine:?}");
        assert_eq!(
            account_state(&env, &ada).await,
            (SubscriptionStatus::PastDue, "pro".to_owned()),
            "{engine:?}: the plan stays while Stripe retries"
        );

        env.give_card(&ada, GOOD_CARD).await;
        env.advance_days(3).await;
        let converted = env.last(&ada).await;
        assert_eq!(converted["event_type"], "Trial converted", "{engine:?}");
        assert_eq!(revenue(&converted), 1_200, "{engine:?}");
        assert_eq!(
            account_state(&env, &ada).await,
            (SubscriptionStatus::Active, "pro".to_owned()),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_payment_fails_permanently() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        env.give_card(&ada, BAD_CARD).await;
        env.advance_days(20).await;
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events),
            [
                "Trial started",
                "Payment failure",
                "Payment failure",
                "Payment failure",
                "Payment failure",
                "Trial expiration",
            ],
            "{engine:?}"
        );
        let attempts: Vec<_> = events[1..5]
            .iter()
            .map(|event| event["event_properties"]["attempt"].as_i64().unwrap())
            .collect();
        assert_eq!(attempts, [1, 2, 3, 4], "{engine:?}");
        assert_eq!(
            account_state(&env, &ada).await,
            (SubscriptionStatus::Expired, "free".to_owned()),
            "{engine:?}"
        );
        assert_eq!(total(&env, &ada).await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn refunds_reduce_the_revenue_and_failed_refunds_restore_it() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        let customer = env.customer(&ada).await;
        env.stripe.refund(&customer, Some("500")).await;
        env.deliver().await;
        let second = env.stripe.refund(&customer, None).await;
        env.deliver().await;
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events)[2..],
            ["Subscription refund", "Subscription refund"],
            "{engine:?}"
        );
        assert_eq!(
            events[2..].iter().map(revenue).collect::<Vec<_>>(),
            [-500, -700],
            "{engine:?}"
        );
        let invoices = env.overview(&ada).await.invoices;
        assert_eq!(
            (invoices[0].amount.minor, invoices[0].refunded.minor),
            (1_200, 1_200),
            "{engine:?}"
        );
        assert_eq!(
            env.account_type(&ada).await,
            "pro",
            "{engine:?}: a refund does not change the plan"
        );

        env.advance_days(2).await;
        env.stripe.fail_refund(&second).await;
        env.deliver().await;
        let event = env.last(&ada).await;
        assert_eq!(event["event_properties"]["outcome"], "failed", "{engine:?}");
        assert_eq!(revenue(&event), 700, "{engine:?}");
        assert_eq!(
            env.names(&ada).await.len(),
            5,
            "{engine:?}: one event for several webhooks"
        );
        let refunded = env.overview(&ada).await.invoices[0].refunded.minor;
        assert_eq!(refunded, 500, "{engine:?}");
        assert_eq!(
            total(&env, &ada).await,
            env.stripe.money_of(&customer).await,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn the_demo_clock_moves_to_the_end_of_the_trial() {
    use backend::billing::ClockTarget;

    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.advance(20 * SECOND);
        env.stripe.complete_checkout(&page, None).await;
        env.deliver().await;
        env.give_card(&ada, GOOD_CARD).await;
        let subscription = env.subscription_id(&ada).await;
        let clock = env.billing.stripe_clock().unwrap().clone();
        assert_eq!(clock.ahead_secs().await.unwrap(), 0, "{engine:?}");
        clock
            .advance_to(&subscription, ClockTarget::TrialEnd)
            .await
            .unwrap();
        env.deliver().await;
        clock
            .advance_to(&subscription, ClockTarget::Renewal)
            .await
            .unwrap();
        env.deliver().await;
        assert_eq!(
            env.names(&ada).await,
            ["Trial started", "Trial converted", "Subscription renewal"],
            "{engine:?}"
        );
        let now = env.store.clock.now_ms();
        // Each event is a millisecond after its cause.
        let late_ms = env.last(&ada).await["time"].as_i64().unwrap() - now;
        assert!((0..10).contains(&late_ms), "{engine:?}: wall clock, {late_ms}");
        assert!(clock.ahead_secs().await.unwrap() > 33 * 86_400, "{engine:?}");
        assert_eq!(total(&env, &ada).await, 2_400, "{engine:?}");
    }
}
