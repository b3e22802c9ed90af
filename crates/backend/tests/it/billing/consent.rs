//! Billing without consent, after a withdrawal of consent, and after the deletion of an account.

use backend::billing::inbox::{InboxState, Received};
use db::testing::engines;
use serde_json::json;
use tracking::PlanInterval::Month;
use tracking::SubscriptionStatus;

use super::environment::{Environment, Person, SECOND, click, without_consent};
use super::stand_in::GOOD_CARD;
use backend::billing::Order;

async fn withdraw(env: &Environment, person: &Person) {
    let id = person.user.id;
    env.store
        .execute(&format!("UPDATE users SET consent = 'denied' WHERE id = '{id}'"))
        .await;
}

#[tokio::test]
async fn without_consent_an_account_is_billed_but_not_tracked() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        withdraw(&env, &ada).await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let visitor = without_consent();
        let page = env.billing.start_checkout(&ada.user, order, &visitor);
        let page = page.await.unwrap();
        env.stripe.complete_checkout(&page, None).await;
        env.deliver().await;
        let subscription = env.subscription_id(&ada).await;
        let customer = env.customer(&ada).await;
        let metadata = async |path: String| env.stripe.get(&path).await["metadata"].clone();
        assert_eq!(
            metadata(format!("/v1/subscriptions/{subscription}")).await,
            json!({}),
            "{engine:?}"
        );
        assert_eq!(
            metadata(format!("/v1/customers/{customer}")).await,
            json!({"seam_user": ada.user.id.to_string()}),
            "{engine:?}: the account only, no browser IDs"
        );
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        env.billing
            .cancel(&ada.user, click(), &without_consent())
            .await
            .unwrap();
        env.deliver().await;
        env.billing
            .resume(&ada.user, click(), &without_consent())
            .await
            .unwrap();
        env.deliver().await;
        env.give_card(&ada, GOOD_CARD).await;
        env.advance_days(4).await;
        assert_eq!(env.names(&ada).await, [""; 0], "{engine:?}");
        let overview = env.overview(&ada).await;
        assert_eq!(
            overview.subscription.unwrap().status,
            SubscriptionStatus::Active,
            "{engine:?}"
        );
        assert_eq!(overview.invoices.len(), 1, "{engine:?}");
        let object = env.stripe.subscription(&subscription).await;
        assert_eq!(object["metadata"], json!({}), "{engine:?}");
    }
}

#[tokio::test]
async fn withdrawing_consent_stops_tracking() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.trial(&ada).await;
        let metadata = &env.stripe.subscription(&subscription).await["metadata"];
        assert_eq!(metadata["seam_device"], ada.device.as_str(), "{engine:?}");

        withdraw(&env, &ada).await;
        env.advance(SECOND);
        env.billing
            .cancel(&ada.user, click(), &without_consent())
            .await
            .unwrap();
        env.deliver().await;
        let object = env.stripe.subscription(&subscription).await;
        assert_eq!(
            object["metadata"],
            json!({}),
            "{engine:?}: IDs of an earlier click are removed"
        );
        let subscription = env.overview(&ada).await.subscription.unwrap();
        assert_eq!(
            subscription.status,
            SubscriptionStatus::TrialCanceled,
            "{engine:?}"
        );
        env.advance_days(4).await;
        assert_eq!(env.names(&ada).await, ["Trial started"], "{engine:?}");
        assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_no_billing_data() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let bob = env.person("bob@example.com").await;
        env.paid(&ada).await;
        env.trial(&bob).await;
        let customer = env.customer(&ada).await;
        // A refund just before the deletion. Its webhook does not name the customer.
        env.stripe.refund(&customer, Some("100")).await;
        let late = env.new_webhooks().await;
        env.billing.erase(ada.user.id).await.unwrap();
        env.billing.erase(ada.user.id).await.unwrap();

        let gone = env.stripe.get(&format!("/v1/customers/{customer}")).await;
        assert_eq!(gone["deleted"], true, "{engine:?}");
        for table in ["subscriptions", "paid_invoices", "refunds"] {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE customer_id = '{customer}'");
            assert_eq!(env.store.number(&sql).await, 0, "{engine:?} {table}");
        }
        let events = env.names(&ada).await;
        for webhook in &late {
            env.receive(webhook).await.unwrap();
        }
        // Stripe also sends a webhook about the deleted customer, which contains the email address.
        let deletion_webhooks = env.new_webhooks().await;
        assert!(
            deletion_webhooks
                .iter()
                .any(|webhook| webhook["type"] == "customer.deleted"),
            "{engine:?}"
        );
        for webhook in &deletion_webhooks {
            env.receive(webhook).await.unwrap();
        }
        env.worker.drain().await.unwrap();
        assert_eq!(
            env.names(&ada).await,
            events,
            "{engine:?}: no event for a deleted account"
        );
        for row in env.billing.inbox(None, 500).await.unwrap() {
            assert_eq!(row.state, InboxState::Applied, "{engine:?} {row:?}");
            let payload = row.payload.unwrap_or_default();
            assert!(
                !payload.contains(&customer) && !payload.contains("ada@example.com"),
                "{engine:?} {}: {payload}",
                row.event_type
            );
        }
        // A repeated webhook of the deleted account is recognized.
        assert_eq!(
            env.receive(&late[0]).await.unwrap(),
            Received::Duplicate,
            "{engine:?}"
        );
        assert_eq!(env.account_type(&bob).await, "pro", "{engine:?}");
        let kept = env.billing.inbox(None, 500).await.unwrap();
        let of_bob = env.customer(&bob).await;
        let theirs = kept.iter().filter(|row| row.lane == of_bob);
        assert!(theirs.clone().count() > 0 && theirs.into_iter().all(|row| row.payload.is_some()));
    }
}
