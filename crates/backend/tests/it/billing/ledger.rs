//! Stripe's own lists against our record of them.

use backend::billing::ledger::{Kind, Why};
use db::testing::engines;

use super::stage::Stage;
use super::stand_in::GOOD_CARD;

#[tokio::test]
async fn what_webhooks_told_is_what_stripe_lists() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let empty = stage.billing.check_ledger().await.unwrap();
        assert!(
            empty.balanced() && empty.totals.is_empty(),
            "{engine:?}: {empty:?}"
        );

        let (ada, bob) = (
            stage.person("ada@example.com").await,
            stage.person("bob@example.com").await,
        );
        stage.trial(&ada).await;
        stage.give_card(&ada, GOOD_CARD).await;
        // Whoever is in a trial has an invoice of nothing, which is no payment.
        stage.trial(&bob).await;
        stage.pass_days(35).await;
        let customer = stage.customer(&ada).await;
        stage.stripe.refund(&customer, Some("500")).await;
        stage.deliver().await;
        let found = stage.billing.check_ledger().await.unwrap();
        assert_eq!((found.payments, found.refunds), (2, 1), "{engine:?}");
        assert_eq!(found.differences, [], "{engine:?}");
        let [total] = found.totals.as_slice() else {
            panic!("{engine:?}: {found:?}");
        };
        assert_eq!((total.stripe, total.recorded), (1_900, 1_900), "{engine:?}");
        let payers = stage.billing.payers(10).await.unwrap();
        assert_eq!(payers, (vec![ada.user.id], 1), "{engine:?}: Bob has paid nothing");
    }
}

#[tokio::test]
async fn what_no_webhook_told_is_found_and_has_its_reason() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.paid(&ada).await;
        let customer = stage.customer(&ada).await;
        let refund = stage.stripe.refund(&customer, None).await;

        // Stripe has given it back, and nobody here has heard of it.
        let found = stage.billing.check_ledger().await.unwrap();
        let [difference] = found.differences.as_slice() else {
            panic!("{engine:?}: {found:?}");
        };
        assert_eq!(
            (difference.kind, &difference.id),
            (Kind::Refund, &refund),
            "{engine:?}"
        );
        assert_eq!(
            difference.customer.as_ref(),
            Some(&customer),
            "{engine:?}: by its charge"
        );
        assert_eq!(difference.why, Why::Unheard, "{engine:?}");
        assert!(!found.balanced(), "{engine:?}");

        // It was taken, and waits.
        for webhook in stage.news().await {
            stage.receive(&webhook).await.unwrap();
        }
        let found = stage.billing.check_ledger().await.unwrap();
        assert_eq!(found.differences[0].why, Why::OnItsWay, "{engine:?}");
        assert!(found.balanced(), "{engine:?}");
        stage.worker.drain().await.unwrap();
        let found = stage.billing.check_ledger().await.unwrap();
        assert_eq!(found.differences, [], "{engine:?}");
        assert_eq!(
            (found.totals[0].stripe, found.totals[0].recorded),
            (0, 0),
            "{engine:?}"
        );

        // A record that was lost, and one that was made up.
        let lost = "UPDATE paid_invoices SET id = 'in_made_up' WHERE amount_paid > 0";
        stage.store.execute(lost).await;
        let found = stage.billing.check_ledger().await.unwrap();
        let why: Vec<Why> = found
            .differences
            .iter()
            .map(|difference| difference.why)
            .collect();
        assert_eq!(why, [Why::Unheard, Why::NotAtStripe], "{engine:?}");

        // A customer of somebody else's.
        for sql in [
            "DELETE FROM paid_invoices",
            "DELETE FROM refunds",
            "DELETE FROM subscriptions",
            "DELETE FROM stripe_customers",
        ] {
            stage.store.execute(sql).await;
        }
        let found = stage.billing.check_ledger().await.unwrap();
        assert!(found.balanced(), "{engine:?}: {found:?}");
        assert!(
            found
                .differences
                .iter()
                .all(|difference| difference.why == Why::NotOurs),
            "{engine:?}: {found:?}"
        );
    }
}
