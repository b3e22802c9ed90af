//! The comparison of Stripe's lists with our record.

use backend::billing::ledger::{DifferenceReason, MovementKind};
use db::testing::engines;

use super::environment::Environment;
use super::stand_in::GOOD_CARD;

#[tokio::test]
async fn recorded_payments_equal_stripes_list() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let empty = env.billing.check_ledger().await.unwrap();
        assert!(
            empty.is_balanced() && empty.totals.is_empty(),
            "{engine:?}: {empty:?}"
        );

        let (ada, bob) = (
            env.person("ada@example.com").await,
            env.person("bob@example.com").await,
        );
        env.trial(&ada).await;
        env.give_card(&ada, GOOD_CARD).await;
        // A trial has a zero invoice, which is not a payment.
        env.trial(&bob).await;
        env.advance_days(35).await;
        let customer = env.customer(&ada).await;
        env.stripe.refund(&customer, Some("500")).await;
        env.deliver().await;
        let found = env.billing.check_ledger().await.unwrap();
        assert_eq!((found.payments, found.refunds), (2, 1), "{engine:?}");
        assert_eq!(found.differences, [], "{engine:?}");
        let [total] = found.totals.as_slice() else {
            panic!("{engine:?}: {found:?}");
        };
        assert_eq!((total.stripe, total.recorded), (1_900, 1_900), "{engine:?}");
        let payers = env.billing.payers(10).await.unwrap();
        assert_eq!(payers, (vec![ada.user.id], 1), "{engine:?}: Bob has paid nothing");
    }
}

#[tokio::test]
async fn missing_webhooks_are_found_with_a_reason() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        let customer = env.customer(&ada).await;
        let refund = env.stripe.refund(&customer, None).await;

        // Stripe has refunded, and no webhook has arrived.
        let found = env.billing.check_ledger().await.unwrap();
        let [difference] = found.differences.as_slice() else {
            panic!("{engine:?}: {found:?}");
        };
        assert_eq!(
            (difference.kind, &difference.id),
            (MovementKind::Refund, &refund),
            "{engine:?}"
        );
        assert_eq!(
            difference.customer.as_ref(),
            Some(&customer),
            "{engine:?}: by its charge"
        );
        assert_eq!(difference.reason, DifferenceReason::MissingWebhook, "{engine:?}");
        assert!(!found.is_balanced(), "{engine:?}");

        // The webhook is received but not applied.
        for webhook in env.new_webhooks().await {
            env.receive(&webhook).await.unwrap();
        }
        let found = env.billing.check_ledger().await.unwrap();
        assert_eq!(
            found.differences[0].reason,
            DifferenceReason::WebhookPending,
            "{engine:?}"
        );
        assert!(found.is_balanced(), "{engine:?}");
        env.worker.drain().await.unwrap();
        let found = env.billing.check_ledger().await.unwrap();
        assert_eq!(found.differences, [], "{engine:?}");
        assert_eq!(
            (found.totals[0].stripe, found.totals[0].recorded),
            (0, 0),
            "{engine:?}"
        );

        // One record is missing, and one does not exist at Stripe.
        let lost = "UPDATE paid_invoices SET id = 'in_made_up' WHERE amount_paid > 0";
        env.store.execute(lost).await;
        let found = env.billing.check_ledger().await.unwrap();
        let reason: Vec<DifferenceReason> = found
            .differences
            .iter()
            .map(|difference| difference.reason)
            .collect();
        assert_eq!(
            reason,
            [DifferenceReason::MissingWebhook, DifferenceReason::NotAtStripe],
            "{engine:?}"
        );

        // The customer is unknown here.
        for sql in [
            "DELETE FROM paid_invoices",
            "DELETE FROM refunds",
            "DELETE FROM subscriptions",
            "DELETE FROM invoice_payments",
            "DELETE FROM stripe_customers",
        ] {
            env.store.execute(sql).await;
        }
        let found = env.billing.check_ledger().await.unwrap();
        assert!(found.is_balanced(), "{engine:?}: {found:?}");
        assert!(
            found
                .differences
                .iter()
                .all(|difference| difference.reason == DifferenceReason::ForeignCustomer),
            "{engine:?}: {found:?}"
        );
    }
}
