//! The first customer of an account, when Stripe's response is lost.

use backend::billing::{BillingError, Order};
use db::testing::engines;
use tracking::PlanInterval::Month;

use super::environment::{Environment, billing_at, click};
use super::fault_proxy::FaultProxy;

/// What a search finds that is late.
const NONE: &str = r#"{"object":"search_result","data":[],"has_more":false}"#;

/// Case 14.
#[tokio::test]
async fn case_14_a_customer_whose_creation_was_not_confirmed_is_found_again() {
    for engine in engines() {
        let env = Environment::new(engine).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let through_proxy = billing_at(&env.store, &proxy.url);
        let mut ada = env.person("ada@example.com").await;
        let order = || Order {
            interval: Month,
            click: click(),
        };
        let visitor = env.visitor(&ada);
        // The search finds none, the customer is created, and the response is lost.
        proxy.respond("/v1/customers", 200, NONE);
        proxy.lose("/v1/customers");
        let failed = through_proxy.start_checkout(&ada.user, order(), &visitor).await;
        assert!(failed.is_err(), "{engine:?}: {failed:?}");
        assert_eq!(env.store.count("stripe_customers").await, 0, "{engine:?}");
        let created = env.stripe.all("/v1/customers").await;
        assert_eq!(created.len(), 1, "{engine:?}");

        // The account's address changes before the next attempt.
        let sql = format!(
            "UPDATE users SET email = 'new@example.com', email_key = 'new@example.com' WHERE id = '{}'",
            ada.user.id
        );
        env.store.execute(&sql).await;
        ada.user.email = "new@example.com".to_owned();
        through_proxy
            .start_checkout(&ada.user, order(), &visitor)
            .await
            .unwrap();
        assert_eq!(
            env.stripe.all("/v1/customers").await.len(),
            1,
            "{engine:?}: no second one"
        );
        assert_eq!(
            env.customer(&ada).await,
            created[0]["id"].as_str().unwrap(),
            "{engine:?}"
        );
        let due = env.store.count("customer_emails WHERE state = 'pending'").await;
        assert_eq!(due, 1, "{engine:?}: Stripe gets the new address");
    }
}

/// Case 14: the search can be late, and Stripe refuses a repeated key with other contents.
#[tokio::test]
async fn case_14_the_key_of_a_creation_depends_on_the_address() {
    for engine in engines() {
        let env = Environment::new(engine).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let through_proxy = billing_at(&env.store, &proxy.url);
        let mut ada = env.person("ada@example.com").await;
        let visitor = env.visitor(&ada);
        proxy.respond("/v1/customers", 200, NONE);
        proxy.lose("/v1/customers");
        let order = Order {
            interval: Month,
            click: click(),
        };
        let failed = through_proxy.start_checkout(&ada.user, order, &visitor).await;
        assert!(failed.is_err(), "{engine:?}: {failed:?}");
        ada.user.email = "new@example.com".to_owned();
        proxy.respond("/v1/customers", 200, NONE);
        let page = through_proxy.start_checkout(&ada.user, order, &visitor).await;
        assert!(page.is_ok(), "{engine:?}: {page:?}");
    }
}

#[tokio::test]
async fn an_account_that_is_deleted_during_checkout_leaves_no_customer_at_stripe() {
    for engine in engines() {
        let env = Environment::new(engine).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let through_proxy = billing_at(&env.store, &proxy.url);
        let ada = env.person("ada@example.com").await;
        let visitor = env.visitor(&ada);
        let order = Order {
            interval: Month,
            click: click(),
        };
        proxy.delay("/v1/customers");
        let delete = async {
            proxy.wait_until_delayed().await;
            env.store.execute("UPDATE users SET deleted_at = 1").await;
            proxy.release();
        };
        let start = through_proxy.start_checkout(&ada.user, order, &visitor);
        let (started, ()) = tokio::join!(start, delete);
        assert!(
            matches!(started, Err(BillingError::StalePage)),
            "{engine:?}: {started:?}"
        );
        assert_eq!(env.stripe.all("/v1/customers").await.len(), 0, "{engine:?}");
        assert_eq!(env.store.count("stripe_customers").await, 0, "{engine:?}");
    }
}
