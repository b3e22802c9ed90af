//! People who said no, or say it later, and people who leave.

use backend::billing::inbox::{InboxState, Received};
use db::testing::engines;
use serde_json::json;
use tracking::Interval::Month;
use tracking::SubscriptionStatus;

use super::stage::{Person, SECOND, Stage, click, silent};
use super::stand_in::GOOD_CARD;
use backend::billing::Order;

async fn withdraw(stage: &Stage, person: &Person) {
    let id = person.user.id;
    stage
        .store
        .execute(&format!("UPDATE users SET consent = 'denied' WHERE id = '{id}'"))
        .await;
}

#[tokio::test]
async fn whoever_said_no_is_billed_and_not_spoken_of() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        withdraw(&stage, &ada).await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let visitor = silent();
        let page = stage.billing.start_checkout(&ada.user, order, &visitor);
        let page = page.await.unwrap();
        stage.stripe.complete_checkout(&page, None).await;
        stage.deliver().await;
        let subscription = stage.standing(&ada).await;
        let customer = stage.customer(&ada).await;
        let metadata = async |path: String| stage.stripe.get(&path).await["metadata"].clone();
        assert_eq!(
            metadata(format!("/v1/subscriptions/{subscription}")).await,
            json!({}),
            "{engine:?}"
        );
        assert_eq!(
            metadata(format!("/v1/customers/{customer}")).await,
            json!({"seam_user": ada.user.id.to_string()}),
            "{engine:?}: whose customer it is, and nothing of a browser"
        );
        assert_eq!(stage.account_type(&ada).await, "pro", "{engine:?}");
        stage.billing.cancel(&ada.user, click(), &silent()).await.unwrap();
        stage.deliver().await;
        stage.billing.resume(&ada.user, click(), &silent()).await.unwrap();
        stage.deliver().await;
        stage.give_card(&ada, GOOD_CARD).await;
        stage.pass_days(4).await;
        assert_eq!(stage.names(&ada).await, [""; 0], "{engine:?}");
        let overview = stage.overview(&ada).await;
        assert_eq!(
            overview.standing.unwrap().state,
            SubscriptionStatus::Active,
            "{engine:?}"
        );
        assert_eq!(overview.invoices.len(), 1, "{engine:?}");
        let object = stage.stripe.subscription(&subscription).await;
        assert_eq!(object["metadata"], json!({}), "{engine:?}");
    }
}

#[tokio::test]
async fn whoever_says_no_later_is_not_spoken_of_from_then_on() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let subscription = stage.trial(&ada).await;
        let metadata = &stage.stripe.subscription(&subscription).await["metadata"];
        assert_eq!(metadata["seam_device"], ada.device.as_str(), "{engine:?}");

        withdraw(&stage, &ada).await;
        stage.pass(SECOND);
        stage.billing.cancel(&ada.user, click(), &silent()).await.unwrap();
        stage.deliver().await;
        let object = stage.stripe.subscription(&subscription).await;
        assert_eq!(
            object["metadata"],
            json!({}),
            "{engine:?}: what an earlier click wrote is gone"
        );
        let standing = stage.overview(&ada).await.standing.unwrap();
        assert_eq!(standing.state, SubscriptionStatus::TrialCanceled, "{engine:?}");
        stage.pass_days(4).await;
        assert_eq!(stage.names(&ada).await, ["Trial started"], "{engine:?}");
        assert_eq!(stage.account_type(&ada).await, "free", "{engine:?}");
    }
}

#[tokio::test]
async fn of_whoever_left_nothing_stays() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let bob = stage.person("bob@example.com").await;
        stage.paid(&ada).await;
        stage.trial(&bob).await;
        let customer = stage.customer(&ada).await;
        // Under way when she leaves: a refund, whose webhook does not name her.
        stage.stripe.refund(&customer, Some("100")).await;
        let late = stage.news().await;
        stage.billing.erase(ada.user.id).await.unwrap();
        stage.billing.erase(ada.user.id).await.unwrap();

        let gone = stage.stripe.get(&format!("/v1/customers/{customer}")).await;
        assert_eq!(gone["deleted"], true, "{engine:?}");
        for table in ["subscriptions", "paid_invoices", "refunds"] {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE customer_id = '{customer}'");
            assert_eq!(stage.store.number(&sql).await, 0, "{engine:?} {table}");
        }
        let told = stage.names(&ada).await;
        for webhook in &late {
            stage.receive(webhook).await.unwrap();
        }
        // That she is gone is a webhook too, and holds her address.
        let farewell = stage.news().await;
        assert!(
            farewell
                .iter()
                .any(|webhook| webhook["type"] == "customer.deleted"),
            "{engine:?}"
        );
        for webhook in &farewell {
            stage.receive(webhook).await.unwrap();
        }
        stage.worker.drain().await.unwrap();
        assert_eq!(
            stage.names(&ada).await,
            told,
            "{engine:?}: nobody is there to be told of"
        );
        for row in stage.billing.inbox(None, 500).await.unwrap() {
            assert_eq!(row.state, InboxState::Applied, "{engine:?} {row:?}");
            let payload = row.payload.unwrap_or_default();
            assert!(
                !payload.contains(&customer) && !payload.contains("ada@example.com"),
                "{engine:?} {}: {payload}",
                row.event_type
            );
        }
        // A webhook of hers that comes once more is known.
        assert_eq!(
            stage.receive(&late[0]).await.unwrap(),
            Received::Again,
            "{engine:?}"
        );
        assert_eq!(stage.account_type(&bob).await, "pro", "{engine:?}");
        let kept = stage.billing.inbox(None, 500).await.unwrap();
        let of_bob = stage.customer(&bob).await;
        let theirs = kept.iter().filter(|row| row.lane == of_bob);
        assert!(theirs.clone().count() > 0 && theirs.into_iter().all(|row| row.payload.is_some()));
    }
}
