//! Money: taken, refused, taken after all, given back.

use db::testing::engines;
use serde_json::Value;
use tracking::Interval::Month;
use tracking::SubscriptionStatus;

use super::stage::{Person, SECOND, Stage, names, revenue};
use super::stand_in::{BAD_CARD, GOOD_CARD};

/// What the account is told of itself.
async fn stands(stage: &Stage, person: &Person) -> (SubscriptionStatus, String) {
    let standing = stage.overview(person).await.standing.unwrap();
    (standing.state, stage.account_type(person).await)
}

async fn total(stage: &Stage, person: &Person) -> i64 {
    stage.told(person).await.iter().map(revenue).sum()
}

#[tokio::test]
async fn a_trial_converts_and_renews_without_anybody_there() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.trial(&ada).await;
        assert!(
            !stage.overview(&ada).await.standing.unwrap().has_card,
            "{engine:?}"
        );
        stage.give_card(&ada, GOOD_CARD).await;
        assert!(
            stage.overview(&ada).await.standing.unwrap().has_card,
            "{engine:?}"
        );
        assert_eq!(
            stage.names(&ada).await,
            ["Trial started"],
            "{engine:?}: a card is no event"
        );

        stage.pass_days(35).await;
        let told = stage.told(&ada).await;
        assert_eq!(
            names(&told),
            ["Trial started", "Trial converted", "Subscription renewal"],
            "{engine:?}"
        );
        for event in &told[1..] {
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
        let customer = stage.customer(&ada).await;
        assert_eq!(stage.stripe.money_of(&customer).await, 2_400, "{engine:?}");
        assert_eq!(stage.overview(&ada).await.invoices.len(), 2, "{engine:?}");
    }
}

#[tokio::test]
async fn a_payment_fails_and_comes_after_all() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.trial(&ada).await;
        stage.give_card(&ada, BAD_CARD).await;
        stage.pass_days(4).await;
        assert_eq!(
            stage.names(&ada).await,
            ["Trial started", "Payment failure"],
            "{engine:?}"
        );
        let failure = stage.last(&ada).await;
        let properties = &failure["event_properties"];
        assert_eq!(properties["attempt"], 1, "{engine:?}");
        assert_eq!(properties["subscription_status"], "past_due", "{engine:?}");
        assert_eq!(failure["revenue"], Value::Null, "{engine:?}");
        assert_eq!(
            stands(&stage, &ada).await,
            (SubscriptionStatus::PastDue, "pro".to_owned()),
            "{engine:?}: nothing is taken away while Stripe tries"
        );

        stage.give_card(&ada, GOOD_CARD).await;
        stage.pass_days(3).await;
        let converted = stage.last(&ada).await;
        assert_eq!(converted["event_type"], "Trial converted", "{engine:?}");
        assert_eq!(revenue(&converted), 1_200, "{engine:?}");
        assert_eq!(
            stands(&stage, &ada).await,
            (SubscriptionStatus::Active, "pro".to_owned()),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_payment_fails_for_good() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.trial(&ada).await;
        stage.give_card(&ada, BAD_CARD).await;
        stage.pass_days(20).await;
        let told = stage.told(&ada).await;
        assert_eq!(
            names(&told),
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
        let attempts: Vec<_> = told[1..5]
            .iter()
            .map(|event| event["event_properties"]["attempt"].as_i64().unwrap())
            .collect();
        assert_eq!(attempts, [1, 2, 3, 4], "{engine:?}");
        assert_eq!(
            stands(&stage, &ada).await,
            (SubscriptionStatus::Expired, "free".to_owned()),
            "{engine:?}"
        );
        assert_eq!(total(&stage, &ada).await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn what_is_given_back_is_not_earned_unless_it_comes_back() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.paid(&ada).await;
        let customer = stage.customer(&ada).await;
        stage.stripe.refund(&customer, Some("500")).await;
        stage.deliver().await;
        let second = stage.stripe.refund(&customer, None).await;
        stage.deliver().await;
        let told = stage.told(&ada).await;
        assert_eq!(
            names(&told)[2..],
            ["Subscription refund", "Subscription refund"],
            "{engine:?}"
        );
        assert_eq!(
            told[2..].iter().map(revenue).collect::<Vec<_>>(),
            [-500, -700],
            "{engine:?}"
        );
        let invoices = stage.overview(&ada).await.invoices;
        assert_eq!(
            (invoices[0].amount.minor, invoices[0].refunded.minor),
            (1_200, 1_200),
            "{engine:?}"
        );
        assert_eq!(
            stage.account_type(&ada).await,
            "pro",
            "{engine:?}: money and plan are two things"
        );

        stage.pass_days(2).await;
        stage.stripe.fail_refund(&second).await;
        stage.deliver().await;
        let event = stage.last(&ada).await;
        assert_eq!(event["event_properties"]["outcome"], "failed", "{engine:?}");
        assert_eq!(revenue(&event), 700, "{engine:?}");
        assert_eq!(
            stage.names(&ada).await.len(),
            5,
            "{engine:?}: one event, whatever says so"
        );
        let refunded = stage.overview(&ada).await.invoices[0].refunded.minor;
        assert_eq!(refunded, 500, "{engine:?}");
        assert_eq!(
            total(&stage, &ada).await,
            stage.stripe.money_of(&customer).await,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_demo_s_clock_jumps_to_the_end_of_the_trial() {
    use backend::billing::Jump;

    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let page = stage.start(&ada, Month).await;
        stage.pass(20 * SECOND);
        stage.stripe.complete_checkout(&page, None).await;
        stage.deliver().await;
        stage.give_card(&ada, GOOD_CARD).await;
        let subscription = stage.standing(&ada).await;
        let clock = stage.billing.stripe_clock().unwrap().clone();
        assert_eq!(clock.ahead().await.unwrap(), 0, "{engine:?}");
        clock.jump(&subscription, Jump::TrialEnd).await.unwrap();
        stage.deliver().await;
        clock.jump(&subscription, Jump::Renewal).await.unwrap();
        stage.deliver().await;
        assert_eq!(
            stage.names(&ada).await,
            ["Trial started", "Trial converted", "Subscription renewal"],
            "{engine:?}"
        );
        let now = stage.store.clock.now_ms();
        assert_eq!(
            stage.last(&ada).await["time"],
            now,
            "{engine:?}: the wall clock's"
        );
        assert!(clock.ahead().await.unwrap() > 33 * 86_400, "{engine:?}");
        assert_eq!(total(&stage, &ada).await, 2_400, "{engine:?}");
    }
}
