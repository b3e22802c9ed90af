//! Tests of a worker whose attempts fail, and of query plans.

use db::Engine;
use db::testing::{TestDb, engines};
use outbox::Wakeup;
use serde_json::json;
use sqlx::{AssertSqlSafe, Row};

use super::store::{self, Lease, PendingWebhook};
use super::{ApplyError, InboxReport, InboxSettings, InboxState, Worker};
use crate::billing::payload::PayloadError;
use crate::billing::{Billing, StripeCallError};
use crate::clock::Clock;
use crate::config::Config;

const LANE: &str = "cus_1";

async fn billing(test: &TestDb, clock: &Clock) -> Billing {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::read(|name| (name == "SEAMLINE_LOCAL").then(|| "1".to_owned())).unwrap();
    let billing = Billing::new(&config, test.db.clone(), clock.clone(), Wakeup::new()).unwrap();
    let mut tx = test.db.write().await.unwrap();
    for (event_id, now_ms) in [("evt_1", 1), ("evt_2", 2)] {
        let webhook = store::NewWebhook {
            event_id,
            lane: LANE,
            event_type: "customer.updated",
            payload: &json!({}).to_string(),
            now_ms,
        };
        assert!(store::insert(&mut tx, &webhook).await.unwrap());
    }
    tx.commit().await.unwrap();
    billing
}

async fn claim(billing: &Billing, lease: Lease<'_>, clock: &Clock) -> Vec<PendingWebhook> {
    let mut tx = billing.db.write().await.unwrap();
    let now_ms = clock.now_ms();
    assert!(
        store::acquire(&mut tx, lease, now_ms, now_ms + 1_000)
            .await
            .unwrap()
    );
    let claimed = store::claim(&mut tx, LANE, now_ms, 10).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

/// The pages and workers find the rows of one customer, invoice or payment by an index.
#[tokio::test]
async fn no_query_of_one_customer_scans_a_table() {
    let test = TestDb::new(Engine::Sqlite).await;
    for sql in [
        "SELECT 1 FROM refunds WHERE invoice_id = $1",
        "SELECT 1 FROM invoice_payments WHERE customer_id = $1",
        "SELECT customer_id FROM invoice_payments WHERE payment_intent = $1",
        "SELECT 1 FROM paid_invoices WHERE has_payments = 0 AND amount_paid > 0 LIMIT 1",
        "SELECT id, amount_paid FROM paid_invoices WHERE customer_id = $1 AND has_payments = 1",
        "SELECT id FROM subscriptions WHERE customer_id = $1",
        "SELECT id FROM portal_visits WHERE user_id = $1 AND created_at >= 0 AND created_at <= 1",
        "SELECT event_id FROM stripe_inbox
         WHERE lane = $1 AND state = 'pending' AND next_attempt_ms <= 1 ORDER BY received_ms, event_id LIMIT 50",
        "SELECT id FROM stripe_customers WHERE email_parked_ms IS NOT NULL ORDER BY email_parked_ms DESC",
    ] {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps = sqlx::query(explain)
            .bind("x")
            .fetch_all(test.db.pool())
            .await
            .unwrap();
        for step in steps {
            let step: String = step.get("detail");
            let is_partial_index = step.contains("paid_invoices_without_payments") || step.contains("email_parked");
            assert!(!step.starts_with("SCAN") || is_partial_index, "{sql}: {step}");
        }
    }
}

#[tokio::test]
async fn a_webhook_whose_attempts_panic_is_parked_and_its_lane_continues() {
    for engine in engines() {
        let (test, clock) = (TestDb::new(engine).await, Clock::fixed(1_000));
        let billing = billing(&test, &clock).await;
        let worker = Worker::new(billing.clone(), InboxSettings::default());
        let lease = Lease {
            lane: LANE,
            owner: &worker.owner,
        };
        for attempt in 1..=3 {
            let claimed = claim(&billing, lease, &clock).await;
            let (poison, next) = claimed.split_at(1);
            assert_eq!(
                (poison[0].attempts, poison[0].panics),
                (attempt, attempt - 1),
                "{engine:?}"
            );
            if !next.is_empty() {
                let together = worker
                    .attempt(lease, &claimed, async { panic!("expected in this test") })
                    .await
                    .unwrap();
                assert_eq!(together, None, "{engine:?}: to be applied one by one");
            }
            let report = worker
                .attempt(lease, poison, async { panic!("expected in this test") })
                .await
                .unwrap();
            let expected = InboxReport {
                retried: usize::from(attempt < 3),
                parked: usize::from(attempt == 3),
                ..InboxReport::default()
            };
            assert_eq!(report, Some(expected), "{engine:?}: {attempt}");
            if let [next] = next {
                let mut tx = test.db.write().await.unwrap();
                assert!(
                    store::applied(&mut tx, &next.event_id, 0, true, 1).await.unwrap(),
                    "{engine:?}"
                );
                tx.commit().await.unwrap();
            }
            clock.advance(10_000);
        }
        let parked = billing.inbox(Some(InboxState::Parked), 10).await.unwrap();
        let [parked] = &parked[..] else {
            panic!("{engine:?}: one is parked")
        };
        assert_eq!(
            (
                parked.event_id.as_str(),
                parked.parked_reason.as_deref(),
                parked.attempts
            ),
            ("evt_1", Some("panicked"), 3),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn webhooks_that_fail_together_are_applied_one_by_one_except_in_an_outage() {
    for engine in engines() {
        let (test, clock) = (TestDb::new(engine).await, Clock::fixed(1_000));
        let billing = billing(&test, &clock).await;
        let worker = Worker::new(billing.clone(), InboxSettings::default());
        let lease = Lease {
            lane: LANE,
            owner: &worker.owner,
        };
        let claimed = claim(&billing, lease, &clock).await;
        let attempt = async |error: ApplyError| {
            let result = async { Err(error) };
            worker.attempt(lease, &claimed, result).await.unwrap()
        };
        let rejected = StripeCallError::Rejected {
            status: 404,
            code: "resource_missing".to_owned(),
            message: String::new(),
        };
        assert_eq!(attempt(rejected.into()).await, None, "{engine:?}");
        let unreadable = PayloadError {
            object: "subscription",
            field: "status",
        };
        assert_eq!(attempt(unreadable.into()).await, None, "{engine:?}");
        let outage = StripeCallError::Unreachable("no route".to_owned());
        let expected = InboxReport {
            retried: 2,
            ..InboxReport::default()
        };
        assert_eq!(attempt(outage.into()).await, Some(expected), "{engine:?}");
    }
}
