//! Field cases 10 and 11 against the stand-in: staff delete a customer, or make a second subscription.

use backend::billing::inbox::{InboxSettings, Received, Worker};
use backend::billing::{BillingError, Order};
use db::testing::engines;
use serde_json::{Value, json};
use tracking::{PlanInterval, SubscriptionStatus};

use super::environment::{Environment, Person, SECOND, billing_at, click, names, revenue};
use super::fault_proxy::FaultProxy;
use super::field_cases::{price, subscribe};
use super::stand_in::GOOD_CARD;

/// Deletes the person's customer in the dashboard, and returns its ID.
async fn delete_customer(env: &Environment, person: &Person) -> String {
    let customer = env.customer(person).await;
    env.stripe.delete(&format!("/v1/customers/{customer}")).await;
    customer
}

/// Subscribes at once, with a card. The account has had its trial.
pub(super) async fn subscribe_again(env: &Environment, person: &Person) {
    let page = env.start(person, PlanInterval::Month).await;
    env.stripe.complete_checkout(&page, Some(GOOD_CARD)).await;
}

pub(super) async fn assert_balanced(env: &Environment, payments: usize) {
    let found = env.billing.check_ledger().await.unwrap();
    assert_eq!(found.differences, [], "{:?}", env.store.test.db.engine());
    assert_eq!(found.payments, payments);
}

#[tokio::test]
async fn case_10_a_deleted_customer_ends_the_subscription_and_the_history_stays_joined() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        let revision = env.overview(&ada).await.revision;
        let first = delete_customer(&env, &ada).await;
        env.deliver().await;

        let events = env.events(&ada).await;
        let converted = ["Trial started", "Trial converted", "Subscription expiration"];
        assert_eq!(names(&events), converted, "{engine:?}");
        assert_eq!(events[2]["session_id"], Value::Null, "{engine:?}: a system event");
        assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");
        let overview = env.overview(&ada).await;
        assert!(
            overview.revision > revision,
            "{engine:?}: an open page sees the change"
        );
        assert!(!overview.has_customer, "{engine:?}: there is no portal");
        assert_eq!(
            overview.subscription.unwrap().status,
            SubscriptionStatus::Expired,
            "{engine:?}"
        );
        let visitor = env.visitor(&ada);
        let portal = env.billing.open_portal(&ada.user, click(), false, &visitor).await;
        assert!(matches!(portal, Err(BillingError::NotSubscribed)), "{engine:?}");

        subscribe_again(&env, &ada).await;
        env.deliver().await;
        assert_ne!(env.customer(&ada).await, first, "{engine:?}");
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events)[3..],
            ["Subscription started"],
            "{engine:?}: one trial only"
        );
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        let overview = env.overview(&ada).await;
        assert_eq!(overview.invoices.len(), 2, "{engine:?}: of both customers");
        assert!(overview.has_customer, "{engine:?}");
        assert_balanced(&env, 2).await;

        // Deleting the account deletes both customers and all records.
        env.billing.erase(ada.user.id).await.unwrap();
        let of_ada = format!("stripe_customers WHERE user_id = '{}'", ada.user.id);
        assert_eq!(env.store.count(&of_ada).await, 0, "{engine:?}");
        assert_eq!(env.store.count("paid_invoices").await, 0, "{engine:?}");
    }
}

/// A page of the app may be used before the webhooks arrive, and webhooks of both customers may arrive in any order.
#[tokio::test]
async fn case_10_a_call_finds_the_deleted_customer_before_its_webhooks() {
    for engine in engines() {
        for is_reversed in [false, true] {
            let mut env = Environment::new(engine).await;
            let ada = env.person("ada@example.com").await;
            env.paid(&ada).await;
            delete_customer(&env, &ada).await;
            let visitor = env.visitor(&ada);
            let canceled = env.billing.cancel(&ada.user, click(), &visitor).await;
            assert!(
                matches!(canceled, Err(BillingError::CustomerDeleted)),
                "{engine:?}"
            );
            let overview = env.overview(&ada).await;
            assert_eq!(
                overview.subscription.unwrap().status,
                SubscriptionStatus::Expired,
                "{engine:?}"
            );
            assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");

            env.advance(60 * SECOND);
            subscribe_again(&env, &ada).await;
            let mut webhooks = env.new_webhooks().await;
            if is_reversed {
                webhooks.reverse();
            }
            for webhook in webhooks.iter().chain(&webhooks) {
                if env.receive(webhook).await.unwrap() == Received::New {
                    env.worker.drain().await.unwrap();
                }
            }
            let mut events = env.events(&ada).await;
            events.sort_by_key(|event| event["time"].as_i64());
            let expected = [
                "Trial started",
                "Trial converted",
                "Subscription expiration",
                "Subscription started",
            ];
            assert_eq!(names(&events), expected, "{engine:?} {is_reversed}");
            assert_eq!(env.account_type(&ada).await, "pro", "{engine:?} {is_reversed}");
            let last = env.last(&ada).await;
            assert_eq!(
                last["user_properties"]["$set"]["subscription_status"], "active",
                "{engine:?} {is_reversed}: the end of the old one is not the account's status"
            );
            assert_eq!(env.billing.inbox_counts().await.unwrap().parked, 0, "{engine:?}");
            assert_balanced(&env, 2).await;
        }
    }
}

/// A late webhook has an older state of the subscription. Stripe may not list the subscriptions of a deleted customer.
#[tokio::test]
async fn case_10_a_late_webhook_does_not_continue_the_subscription_of_a_deleted_customer() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        let id = env.overview(&ada).await.subscription.unwrap().id;
        let mut late = env.stripe.subscription(&id).await;
        assert_eq!(late["status"], "active", "{engine:?}");
        late = json!({
            "id": "evt_late", "type": "customer.subscription.updated", "livemode": false,
            "created": env.store.clock.now_ms() / 1_000, "data": {"object": late, "previous_attributes": {}},
        });
        env.advance(60 * SECOND);
        delete_customer(&env, &ada).await;
        env.deliver().await;
        assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");

        let proxy = FaultProxy::to(&env.stripe.url).await;
        let worker = Worker::new(billing_at(&env.store, &proxy.url), InboxSettings::default());
        let missing = r#"{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such customer"}}"#;
        proxy.respond("/v1/subscriptions", 404, missing);
        env.receive(&late).await.unwrap();
        assert_eq!(worker.drain().await.unwrap().applied, 1, "{engine:?}");
        assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");
    }
}

#[tokio::test]
async fn case_10_checkout_finds_the_deleted_customer() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        env.advance_days(4).await;
        let first = delete_customer(&env, &ada).await;
        // The form is sent twice.
        let order = Order {
            interval: PlanInterval::Month,
            click: click(),
        };
        let visitor = env.visitor(&ada);
        let start = || env.billing.start_checkout(&ada.user, order, &visitor);
        let page = start().await.unwrap();
        assert_eq!(start().await.unwrap(), page, "{engine:?}");
        assert_ne!(env.customer(&ada).await, first, "{engine:?}");
        env.stripe.complete_checkout(&page, Some(GOOD_CARD)).await;
        env.deliver().await;
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
    }
}

/// A key of another Stripe account does not know the customers. It ends no running subscription.
#[tokio::test]
async fn case_10_an_unknown_customer_is_not_a_deleted_one() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        let sql = "UPDATE subscriptions SET customer_id = 'cus_elsewhere'";
        let (user, now) = (ada.user.id, env.store.clock.now_ms());
        env.store
            .execute("UPDATE stripe_customers SET user_id = NULL")
            .await;
        env.store
            .execute(&format!(
                "INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('cus_elsewhere', '{user}', {now})"
            ))
            .await;
        env.store.execute(sql).await;
        let visitor = env.visitor(&ada);
        let portal = env.billing.open_portal(&ada.user, click(), false, &visitor).await;
        assert!(matches!(portal, Err(BillingError::Stripe(_))), "{engine:?}");
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        let status = env.overview(&ada).await.subscription.unwrap().status;
        assert_eq!(status, SubscriptionStatus::Active, "{engine:?}");
    }
}

#[tokio::test]
async fn case_11_a_second_paid_subscription_is_left_running_and_shown_to_operators() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let first = env.paid(&ada).await;
        let customer = env.customer(&ada).await;
        let yearly = price(&env, "12000", "usd", ("year", "1")).await;
        env.advance(60 * SECOND);
        let second = subscribe(&mut env, &customer, &[("items[0][price]", &yearly)]).await;

        for subscription in [&first, &second] {
            let status = env.stripe.subscription(subscription).await["status"].clone();
            assert_eq!(status, "active", "{engine:?}: none is ended");
        }
        let found = env.billing.duplicate_subscriptions(10).await.unwrap();
        let [task] = found.as_slice() else {
            panic!("{engine:?}: {found:?}");
        };
        assert_eq!((&task.id, task.is_running), (&second, true), "{engine:?}");
        assert_eq!(task.paid.unwrap().to_string(), "120.00 USD", "{engine:?}");
        assert_eq!(task.account, Some(ada.user.id), "{engine:?}");
        assert!(env.overview(&ada).await.has_second, "{engine:?}");
        let event = env.last(&ada).await;
        assert_eq!(event["event_type"], "Subscription started", "{engine:?}");
        assert_eq!(revenue(&event), 12_000, "{engine:?}");

        // An operator refunds it, and then ends it.
        env.stripe.refund(&customer, None).await;
        env.deliver().await;
        let found = env.billing.duplicate_subscriptions(10).await.unwrap();
        assert_eq!(found[0].paid, None, "{engine:?}");
        env.stripe.delete(&format!("/v1/subscriptions/{second}")).await;
        env.deliver().await;
        assert_eq!(
            env.billing.duplicate_subscriptions(10).await.unwrap(),
            [],
            "{engine:?}"
        );
        assert!(!env.overview(&ada).await.has_second, "{engine:?}");
        assert_eq!(env.subscription_id(&ada).await, first, "{engine:?}");
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events)[3..],
            ["Subscription refund", "Subscription expiration"],
            "{engine:?}"
        );
        let total: i64 = events.iter().map(revenue).sum();
        assert_eq!(total, env.stripe.money_of(&customer).await, "{engine:?}");
        assert_balanced(&env, 2).await;
    }
}

/// Staff give a trial, and a subscription runs already: nothing was paid for the trial, so it is ended.
#[tokio::test]
async fn case_11_a_second_trial_is_canceled_before_it_is_charged() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        let customer = env.customer(&ada).await;
        let money = env.stripe.money_of(&customer).await;
        let monthly = price(&env, "1200", "usd", ("month", "1")).await;
        env.advance(60 * SECOND);
        let form = [("items[0][price]", monthly.as_str()), ("trial_period_days", "3")];
        let second = subscribe(&mut env, &customer, &form).await;
        env.deliver().await;
        assert_eq!(
            env.stripe.subscription(&second).await["status"],
            "canceled",
            "{engine:?}"
        );
        env.advance_days(10).await;
        assert_eq!(env.stripe.money_of(&customer).await, money, "{engine:?}");
        let found = env.billing.duplicate_subscriptions(10).await.unwrap();
        assert_eq!(found.len(), 1, "{engine:?}");
        assert_eq!((found[0].is_running, found[0].paid), (false, None), "{engine:?}");
    }
}
