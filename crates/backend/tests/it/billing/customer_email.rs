//! A changed address is written to Stripe's customer, also after failures and when it changes meanwhile.

use backend::accounts::Login;
use backend::billing::Billing;
use backend::billing::customer_email::CustomerEmailUpdater;
use db::Engine;
use db::testing::engines;
use forms::{ChangeEmailForm, Secret};
use serde_json::Value;
use tracking::PlanInterval;

use super::environment::{Environment, Person, SECOND, billing_at};
use super::fault_proxy::FaultProxy;
use super::stand_in::text;
use crate::support::{MINUTE, PASSWORD, Store, sign_in, visitor};

const CONFIRM: &str = "Confirm your new email address";
const BUSY: &str = r#"{"error":{"type":"api_error","message":"try later"}}"#;
const INVALID: &str = r#"{"error":{"type":"invalid_request_error","code":"email_invalid",
    "message":"Invalid email address: new@example.com"}}"#;
const CUSTOMERS: &str = "/v1/customers/";

/// Stripe rejects the address until it is parked.
async fn reject(env: &mut Environment, proxy: &FaultProxy, updater: &CustomerEmailUpdater) {
    for attempt in 1..=6 {
        assert_eq!(due(env).await, 1, "{attempt}");
        proxy.respond(CUSTOMERS, 400, INVALID);
        updater.drain().await.unwrap();
        env.advance(10 * MINUTE);
    }
    assert_eq!(due(env).await, 0);
}

fn updater(store: &Store, billing: &Billing) -> CustomerEmailUpdater {
    CustomerEmailUpdater::new(billing.clone(), store.accounts.customer_email_wakeup())
}

/// A user with a trial, and an updater that calls Stripe through the proxy.
async fn trial_behind_proxy(engine: Engine) -> (Environment, Person, FaultProxy, CustomerEmailUpdater) {
    let mut env = Environment::new(engine).await;
    let ada = env.person("ada@example.com").await;
    env.trial(&ada).await;
    let proxy = FaultProxy::to(&env.stripe.url).await;
    let updater = updater(&env.store, &billing_at(&env.store, &proxy.url));
    (env, ada, proxy, updater)
}

/// Changes the account's address and confirms it. Returns the browser's new login.
async fn change_email(store: &Store, old: &str, new: &str) -> Login {
    let login = store
        .accounts
        .sign_in(sign_in(old, PASSWORD), &visitor())
        .await
        .unwrap();
    let form = ChangeEmailForm {
        email: new.to_owned(),
        current_password: Secret::new(PASSWORD),
    };
    store
        .accounts
        .change_email(form.check().unwrap(), &login, &visitor())
        .await
        .unwrap();
    let secret = store.link_in(new, CONFIRM).await;
    store
        .accounts
        .verify_email(&secret, &login, &visitor())
        .await
        .unwrap()
}

/// The address that Stripe has of each customer.
async fn emails_at_stripe(env: &Environment) -> Vec<String> {
    let customers = env.stripe.newer("/v1/customers", None).await;
    let email = |customer: &Value| text(customer, "email").to_owned();
    customers.iter().map(email).collect()
}

async fn due(env: &Environment) -> i64 {
    env.store.count("customer_emails WHERE state = 'pending'").await
}

#[tokio::test]
async fn a_changed_address_reaches_stripe_after_a_failure() {
    for engine in engines() {
        let (env, _, proxy, updater) = trial_behind_proxy(engine).await;
        updater.drain().await.unwrap();
        assert_eq!(due(&env).await, 0, "{engine:?}: a new customer has the address");

        change_email(&env.store, "ada@example.com", "new@example.com").await;
        assert_eq!(due(&env).await, 1, "{engine:?}: in the transaction of the change");
        proxy.respond(CUSTOMERS, 500, BUSY);
        updater.drain().await.unwrap();
        assert_eq!(emails_at_stripe(&env).await, ["ada@example.com"], "{engine:?}");
        env.advance(4 * SECOND);
        updater.drain().await.unwrap();
        assert_eq!(
            emails_at_stripe(&env).await,
            ["ada@example.com"],
            "{engine:?}: not due"
        );
        env.advance(SECOND);
        updater.drain().await.unwrap();
        assert_eq!(emails_at_stripe(&env).await, ["new@example.com"], "{engine:?}");
        assert_eq!(due(&env).await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn a_change_does_not_wait_for_the_next_attempt_at_the_change_before() {
    for engine in engines() {
        let (env, _, proxy, updater) = trial_behind_proxy(engine).await;
        change_email(&env.store, "ada@example.com", "second@example.com").await;
        proxy.respond(CUSTOMERS, 500, BUSY);
        updater.drain().await.unwrap();
        change_email(&env.store, "second@example.com", "third@example.com").await;
        updater.drain().await.unwrap();
        assert_eq!(emails_at_stripe(&env).await, ["third@example.com"], "{engine:?}");
    }
}

#[tokio::test]
async fn a_change_during_an_update_is_sent_after_it() {
    for engine in engines() {
        let (env, _, proxy, through_proxy) = trial_behind_proxy(engine).await;
        change_email(&env.store, "ada@example.com", "second@example.com").await;
        proxy.delay(CUSTOMERS);
        let running = tokio::spawn(async move { through_proxy.drain().await });
        proxy.wait_until_delayed().await;
        change_email(&env.store, "second@example.com", "third@example.com").await;
        // Another server does not overtake the running update.
        updater(&env.store, &env.billing).drain().await.unwrap();
        assert_eq!(emails_at_stripe(&env).await, ["second@example.com"], "{engine:?}");
        proxy.release();
        running.await.unwrap().unwrap();
        assert_eq!(emails_at_stripe(&env).await, ["third@example.com"], "{engine:?}");
        assert_eq!(due(&env).await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn a_change_while_the_customer_is_created_is_sent_too() {
    for engine in engines() {
        let env = Environment::new(engine).await;
        // As the request knew the account when it began.
        let ada = env.person("ada@example.com").await;
        change_email(&env.store, "ada@example.com", "new@example.com").await;
        assert_eq!(due(&env).await, 0, "{engine:?}: there is no customer");
        env.start(&ada, PlanInterval::Month).await;
        assert_eq!(emails_at_stripe(&env).await, ["ada@example.com"], "{engine:?}");
        updater(&env.store, &env.billing).drain().await.unwrap();
        assert_eq!(emails_at_stripe(&env).await, ["new@example.com"], "{engine:?}");
        assert_eq!(due(&env).await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn a_customer_that_is_gone_at_stripe_needs_no_update() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        change_email(&env.store, "ada@example.com", "new@example.com").await;
        let customer = env.customer(&ada).await;
        env.stripe.delete(&format!("/v1/customers/{customer}")).await;
        updater(&env.store, &env.billing).drain().await.unwrap();
        assert_eq!(due(&env).await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn an_address_that_stripe_rejects_is_parked_until_a_replay_or_the_next_change() {
    for engine in engines() {
        let (mut env, ada, proxy, updater) = trial_behind_proxy(engine).await;
        let customer = env.customer(&ada).await;
        change_email(&env.store, "ada@example.com", "new@example.com").await;
        reject(&mut env, &proxy, &updater).await;
        let parked = env.billing.parked_customer_emails(10).await.unwrap();
        let [parked] = &parked[..] else {
            panic!("{engine:?}: one is parked")
        };
        assert_eq!(
            (parked.customer.as_str(), parked.account, parked.failures),
            (customer.as_str(), ada.user.id, 6),
            "{engine:?}"
        );
        assert_eq!(
            parked.reason, "Stripe rejected it with 400 email_invalid",
            "{engine:?}: without the address"
        );

        for is_parked in [true, false] {
            let replayed = env.billing.replay_customer_email(&customer).await.unwrap();
            assert_eq!(replayed, is_parked, "{engine:?}");
        }
        reject(&mut env, &proxy, &updater).await;
        change_email(&env.store, "new@example.com", "third@example.com").await;
        assert_eq!(env.billing.parked_customer_emails(10).await.unwrap(), []);
        updater.drain().await.unwrap();
        assert_eq!(emails_at_stripe(&env).await, ["third@example.com"], "{engine:?}");
        assert_eq!(due(&env).await, 0, "{engine:?}");
    }
}
