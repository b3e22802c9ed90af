//! Field case 12 against the stand-in: subscriptions that are paused, unpaid or incomplete, and paused collections.

use backend::billing::{BillingError, Order, SuspensionReason};
use db::testing::engines;
use serde_json::Value;
use stripe_local::{AccountRules, AfterLastRetry};
use tracking::{PlanInterval, SubscriptionStatus};

use super::environment::{Environment, Person, click, names, revenue};
use super::field_cases::{customer_with_card, price, subscribe};
use super::stand_in::{GOOD_CARD, text};
use super::stripe_changes::{assert_balanced, subscribe_again};

async fn change_subscription(env: &mut Environment, subscription: &str, form: &[(&str, &str)]) {
    let path = format!("/v1/subscriptions/{subscription}");
    env.stripe.post(&path, form).await;
    env.deliver().await;
}

async fn checkout_error(env: &Environment, person: &Person) -> BillingError {
    let order = Order {
        interval: PlanInterval::Month,
        click: click(),
    };
    let visitor = env.visitor(person);
    let started = env.billing.start_checkout(&person.user, order, &visitor).await;
    started.unwrap_err()
}

#[tokio::test]
async fn case_12_a_paused_trial_is_resumed_with_a_card() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.trial(&ada).await;
        let pause = [("trial_settings[end_behavior][missing_payment_method]", "pause")];
        change_subscription(&mut env, &subscription, &pause).await;
        env.advance_days(4).await;

        let paused = env.overview(&ada).await.subscription.unwrap();
        assert_eq!(paused.suspension, Some(SuspensionReason::Paused), "{engine:?}");
        assert_eq!(paused.next_payment, None, "{engine:?}");
        assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");
        let error = checkout_error(&env, &ada).await;
        assert!(matches!(error, BillingError::Suspended), "{engine:?}: {error}");
        let visitor = env.visitor(&ada);
        let without_card = env.billing.resume(&ada.user, click(), &visitor).await;
        assert!(
            matches!(without_card, Err(BillingError::ChangeNotAllowed)),
            "{engine:?}"
        );

        env.give_card(&ada, GOOD_CARD).await;
        let paused = env.overview(&ada).await.subscription.unwrap();
        assert!(paused.has_card, "{engine:?}");
        env.billing.resume(&ada.user, click(), &visitor).await.unwrap();
        env.deliver().await;
        let resumed = env.overview(&ada).await.subscription.unwrap();
        assert_eq!(
            (resumed.id, resumed.suspension, resumed.status),
            (subscription, None, SubscriptionStatus::Active),
            "{engine:?}"
        );
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events),
            ["Trial started", "Trial expiration", "Trial converted"],
            "{engine:?}"
        );
        assert_eq!(revenue(&events[2]), 1_200, "{engine:?}");
    }
}

#[tokio::test]
async fn case_12_a_paused_subscription_can_be_ended_and_started_again() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.trial(&ada).await;
        let pause = [("trial_settings[end_behavior][missing_payment_method]", "pause")];
        change_subscription(&mut env, &subscription, &pause).await;
        env.advance_days(4).await;
        let visitor = env.visitor(&ada);
        env.billing.cancel(&ada.user, click(), &visitor).await.unwrap();
        env.deliver().await;
        let ended = env.overview(&ada).await.subscription.unwrap();
        assert_eq!(
            (ended.suspension, ended.status),
            (None, SubscriptionStatus::Expired),
            "{engine:?}"
        );
        subscribe_again(&env, &ada).await;
        env.deliver().await;
        assert_eq!(
            env.names(&ada).await,
            ["Trial started", "Trial expiration", "Subscription started"],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn case_12_an_unpaid_subscription_is_not_ended() {
    for engine in engines() {
        let rules = AccountRules {
            after_last_retry: AfterLastRetry::MarkUnpaid,
            ..AccountRules::default()
        };
        let mut env = Environment::with_rules(engine, None, rules).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.paid(&ada).await;
        let customer = env.customer(&ada).await;
        let card = env
            .stripe
            .post(
                "/v1/payment_methods/pm_card_chargeCustomerFail/attach",
                &[("customer", &customer)],
            )
            .await;
        let default = [("invoice_settings[default_payment_method]", text(&card, "id"))];
        env.stripe
            .post(&format!("/v1/customers/{customer}"), &default)
            .await;
        env.advance_days(50).await;
        let unpaid = env.overview(&ada).await.subscription.unwrap();
        assert_eq!(unpaid.suspension, Some(SuspensionReason::Unpaid), "{engine:?}");
        assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");
        let error = checkout_error(&env, &ada).await;
        assert!(matches!(error, BillingError::Suspended), "{engine:?}: {error}");

        // Another card, and the open invoice is paid.
        env.give_card(&ada, GOOD_CARD).await;
        let open = env
            .stripe
            .all(&format!("/v1/invoices?subscription={subscription}&status=open"))
            .await;
        let invoice = text(&open[0], "id").to_owned();
        env.stripe.post(&format!("/v1/invoices/{invoice}/pay"), &[]).await;
        env.deliver().await;
        let paid = env.overview(&ada).await.subscription.unwrap();
        assert_eq!(
            (paid.suspension, paid.status),
            (None, SubscriptionStatus::Active),
            "{engine:?}"
        );
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
    }
}

#[tokio::test]
async fn case_12_an_incomplete_subscription_is_not_ended() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let customer = customer_with_card(&mut env, &ada).await;
        let monthly = price(&env, "1200", "usd", ("month", "1")).await;
        let form = [
            ("items[0][price]", monthly.as_str()),
            ("payment_behavior", "default_incomplete"),
        ];
        subscribe(&mut env, &customer, &form).await;
        let incomplete = env.overview(&ada).await.subscription.unwrap();
        assert_eq!(
            incomplete.suspension,
            Some(SuspensionReason::Incomplete),
            "{engine:?}"
        );
        let error = checkout_error(&env, &ada).await;
        assert!(matches!(error, BillingError::Suspended), "{engine:?}: {error}");
        // Stripe ends it after 23 hours.
        env.advance_days(1).await;
        let expired = env.overview(&ada).await.subscription.unwrap();
        assert_eq!(expired.suspension, None, "{engine:?}");
        assert_eq!(env.names(&ada).await, Vec::<String>::new(), "{engine:?}");
        env.start(&ada, PlanInterval::Month).await;
    }
}

#[tokio::test]
async fn case_12_no_payment_is_announced_while_collection_is_paused() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.paid(&ada).await;
        let next = |subscription: Option<backend::billing::SubscriptionOverview>| {
            let subscription = subscription.unwrap();
            (
                subscription.is_collection_paused,
                subscription.next_payment.is_some(),
            )
        };
        assert_eq!(
            next(env.overview(&ada).await.subscription),
            (false, true),
            "{engine:?}"
        );
        change_subscription(&mut env, &subscription, &[("pause_collection[behavior]", "void")]).await;
        assert_eq!(
            next(env.overview(&ada).await.subscription),
            (true, false),
            "{engine:?}"
        );
        env.advance_days(35).await;
        assert_eq!(
            env.names(&ada).await,
            ["Trial started", "Trial converted"],
            "{engine:?}: nothing was charged"
        );
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        change_subscription(&mut env, &subscription, &[("pause_collection", "")]).await;
        assert_eq!(
            next(env.overview(&ada).await.subscription),
            (false, true),
            "{engine:?}"
        );
        env.advance_days(35).await;
        let events = env.events(&ada).await;
        let last: &Value = events.last().unwrap();
        assert_eq!(last["event_type"], "Subscription renewal", "{engine:?}");
        assert_balanced(&env, 2).await;
    }
}
