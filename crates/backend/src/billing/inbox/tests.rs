//! Tests of a worker whose attempts fail, and of query plans.

use db::testing::{TestDb, engines};
use db::{Engine, Statement};
use futures::FutureExt;
use outbox::Wakeup;
use queue::Claim;
use serde_json::json;
use sqlx::{AssertSqlSafe, Row};
use tokio_util::sync::CancellationToken;

use super::apply::Step;
use super::store::{self, INBOX, PendingWebhook};
use super::worker::NextClaim;
use super::{ApplyError, InboxReport, InboxSettings, InboxState, NotOursReason, Worker};
use crate::billing::payload::PayloadError;
use crate::billing::{Billing, StripeCallError};
use crate::clock::Clock;
use crate::config::Config;

async fn billing(test: &TestDb, clock: &Clock) -> Billing {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::read(|name| (name == "SEAMLINE_LOCAL").then(|| "1".to_owned())).unwrap();
    let billing = Billing::new(&config, test.db.clone(), clock.clone(), Wakeup::new()).unwrap();
    let mut tx = test.db.write().await.unwrap();
    for (event_id, received_ms) in [("evt_1", 1), ("evt_2", 2)] {
        let webhook = store::NewWebhook {
            event_id,
            lane: "cus_1",
            event_type: "customer.updated",
            payload: &json!({}).to_string(),
            received_ms,
        };
        assert_eq!(store::insert(&mut tx, &[webhook]).await.unwrap().len(), 1);
    }
    tx.commit().await.unwrap();
    billing
}

fn ids(claim: &Claim<PendingWebhook>) -> Vec<(&str, i64, i64)> {
    let rows = claim.rows.iter();
    rows.map(|row| (row.job.event_id.as_str(), row.attempts, row.panics))
        .collect()
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
    ] {
        for step in plan(&test, sql).await {
            let is_partial_index = step.contains("paid_invoices_without_payments");
            assert!(!step.starts_with("SCAN") || is_partial_index, "{sql}: {step}");
        }
    }
}

/// The newest webhooks are read from the end of an index, without sorting.
#[tokio::test]
async fn the_newest_webhooks_are_not_sorted() {
    let test = TestDb::new(Engine::Sqlite).await;
    for (state, expected) in [
        (None, "SCAN stripe_inbox"),
        (
            Some(InboxState::Pending),
            "SCAN stripe_inbox USING INDEX stripe_inbox_pending",
        ),
        (
            Some(InboxState::Applied),
            "SCAN stripe_inbox USING INDEX stripe_inbox_applied",
        ),
        (
            Some(InboxState::Parked),
            "SCAN stripe_inbox USING INDEX stripe_inbox_parked",
        ),
    ] {
        let steps = plan(&test, &store::newest_sql(state)).await;
        assert_eq!(steps, [expected], "{state:?}");
    }
}

async fn plan(test: &TestDb, sql: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let steps = sqlx::query(explain).bind("x").fetch_all(test.db.pool()).await;
    let steps = steps.unwrap();
    steps.iter().map(|step| step.get("detail")).collect()
}

#[tokio::test]
async fn a_webhook_whose_attempts_panic_is_parked_and_its_lane_continues() {
    for engine in engines() {
        let (test, clock) = (TestDb::new(engine).await, Clock::fixed(1_000));
        let billing = billing(&test, &clock).await;
        let worker = Worker::new(billing.clone(), InboxSettings::default());
        let panicking = || async { panic!("expected in this test") };
        for attempt in 1..=3 {
            let claim = worker.claim().await.unwrap().unwrap();
            let (lease, rows) = (&claim.lease, &claim.rows);
            assert_eq!(
                ids(&claim),
                [("evt_1", attempt, attempt - 1), ("evt_2", 1, 0)],
                "{engine:?}: later webhooks wait"
            );
            let together = worker.attempt(lease, rows, panicking()).await.unwrap();
            assert_eq!(together, None, "{engine:?}: the first is to be applied alone");
            let report = worker.attempt(lease, &rows[..1], panicking()).await.unwrap();
            let expected = InboxReport {
                retried: usize::from(attempt < 3),
                parked: usize::from(attempt == 3),
                ..InboxReport::default()
            };
            assert_eq!(report, Some(expected), "{engine:?}: {attempt}");
            let is_waiting = worker.claim().await.unwrap().is_none();
            assert_eq!(is_waiting, attempt < 3, "{engine:?}: {attempt}");
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
        let Claim { lease, rows } = worker.claim().await.unwrap().unwrap();
        let attempt = async |error: ApplyError| {
            let result = async { Err(error) };
            worker.attempt(&lease, &rows, result).await.unwrap()
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
            retried: 1,
            ..InboxReport::default()
        };
        assert_eq!(attempt(outage.into()).await, Some(expected), "{engine:?}");
        assert!(worker.claim().await.unwrap().is_none(), "{engine:?}: both wait");
        clock.advance(1_000);
        let claim = worker.claim().await.unwrap().unwrap();
        assert_eq!(
            ids(&claim),
            [("evt_1", 2, 0), ("evt_2", 1, 0)],
            "{engine:?}: in order"
        );
    }
}

async fn insert_for_another_customer(test: &TestDb) {
    let webhook = store::NewWebhook {
        event_id: "evt_3",
        lane: "cus_2",
        event_type: "customer.updated",
        payload: "{}",
        received_ms: 3,
    };
    let mut tx = test.db.write().await.unwrap();
    store::insert(&mut tx, &[webhook]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_lease_that_begins_in_a_slow_transaction_has_its_full_duration() {
    let (test, clock) = (TestDb::new(Engine::Sqlite).await, Clock::fixed(1_000));
    let billing = billing(&test, &clock).await;
    insert_for_another_customer(&test).await;
    let worker = Worker::new(billing.clone(), InboxSettings::default());
    let claim = worker.claim().await.unwrap().unwrap();
    let stop = CancellationToken::new();
    let mut next = NextClaim::new(worker.limits(), &stop);
    let steps = claim.rows.iter().map(|row| (row, Step::Settle)).collect();
    let other = test.db.write().await.unwrap();
    let committed = billing.commit(&claim.lease, "cus_1", steps, None, false, &mut next);
    let wait = async {
        clock.advance(20_000);
        drop(other);
    };
    let (committed, ()) = futures::join!(committed, wait);
    committed.unwrap();
    assert_eq!(ids(&next.claim.unwrap()), [("evt_3", 1, 0)]);
    clock.advance(25_000);
    assert!(worker.claim().await.unwrap().is_none(), "leased for 30 s");
    clock.advance(6_000);
    assert!(worker.claim().await.unwrap().is_some(), "the lease expired");
}

#[tokio::test]
async fn the_transaction_that_settles_a_lane_claims_the_next_one_unless_the_worker_stops() {
    for (engine, is_stopping) in engines()
        .into_iter()
        .flat_map(|engine| [(engine, false), (engine, true)])
    {
        let (test, clock) = (TestDb::new(engine).await, Clock::fixed(1_000));
        let billing = billing(&test, &clock).await;
        insert_for_another_customer(&test).await;
        let worker = Worker::new(billing.clone(), InboxSettings::default());
        let settle = async |claim: &Claim<PendingWebhook>, stop: &CancellationToken| {
            let mut next = NextClaim::new(worker.limits(), stop);
            let lane = claim.lease.lane_of(&claim.rows[0]);
            let steps = claim.rows.iter().map(|row| (row, Step::Settle)).collect();
            let committed = billing.commit(&claim.lease, lane, steps, None, false, &mut next);
            (committed.await.unwrap().applied, next.claim)
        };
        let first = worker.claim().await.unwrap().unwrap();
        let stop = CancellationToken::new();
        if is_stopping {
            stop.cancel();
        }
        let (applied, next) = settle(&first, &stop).await;
        assert_eq!(applied, 2, "{engine:?}");
        let (claimed, left) = (next, worker.claim().await.unwrap());
        let (one, none) = match is_stopping {
            true => (left, claimed),
            false => (claimed, left),
        };
        assert!(none.is_none(), "{engine:?}, {is_stopping}: it is claimed once");
        let second = one.unwrap();
        assert_eq!(ids(&second), [("evt_3", 1, 0)], "{engine:?}, {is_stopping}");
        let (applied, next) = settle(&second, &CancellationToken::new()).await;
        assert!(applied == 1 && next.is_none(), "{engine:?}: nothing is left");
    }
}

#[tokio::test]
async fn a_canceled_request_loses_no_counts_of_webhooks_that_are_not_ours() {
    let (test, clock) = (TestDb::new(Engine::Sqlite).await, Clock::fixed(1_000));
    let billing = billing(&test, &clock).await;
    billing
        .not_ours
        .lock()
        .add("charge.updated".to_owned(), NotOursReason::NoEffect, 2, 5);
    let other = test.db.write().await.unwrap();
    assert!(
        billing.not_ours().now_or_never().is_none(),
        "it waits for the other transaction, and is dropped"
    );
    drop(other);
    let [count] = &billing.not_ours().await.unwrap()[..] else {
        panic!("one type and reason")
    };
    assert_eq!((count.webhooks, count.last_received_ms), (2, 5));
}

/// Executes a statement.
async fn execute(test: &TestDb, sql: &'static str) {
    let mut tx = test.db.write().await.unwrap();
    sqlx::query(sql).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

const INSERT_CUSTOMER: &str = "INSERT INTO stripe_customers (id, created_at) VALUES ('cus_1', 1)";

#[tokio::test]
async fn a_webhook_is_not_dropped_if_its_customer_is_recorded_after_the_decision() {
    for engine in engines() {
        let (test, clock) = (TestDb::new(engine).await, Clock::fixed(1_000));
        let billing = billing(&test, &clock).await;
        let worker = Worker::new(billing.clone(), InboxSettings::default());
        let Claim { lease, rows } = worker.claim().await.unwrap().unwrap();
        let steps = rows.iter().map(|row| {
            (
                row,
                Step::Drop {
                    reason: NotOursReason::UnknownCustomer,
                    payment: None,
                },
            )
        });
        execute(&test, INSERT_CUSTOMER).await;
        let stop = CancellationToken::new();
        let mut next = NextClaim::new(worker.limits(), &stop);
        let committed = billing.commit(&lease, "cus_1", steps.collect(), None, false, &mut next);
        assert_eq!(committed.await.unwrap(), InboxReport::default(), "{engine:?}");
        let claim = worker.claim().await.unwrap().unwrap();
        assert_eq!(
            ids(&claim),
            [("evt_1", 1, 0), ("evt_2", 1, 0)],
            "{engine:?}: decided again at once"
        );
        assert_eq!(billing.not_ours().await.unwrap(), [], "{engine:?}");
    }
}

#[tokio::test]
async fn a_webhook_is_not_dropped_if_its_payment_is_recorded_after_the_decision() {
    for engine in engines() {
        let (test, clock) = (TestDb::new(engine).await, Clock::fixed(1_000));
        let billing = billing(&test, &clock).await;
        execute(&test, "UPDATE stripe_inbox SET lane = 'event:1'").await;
        execute(&test, "UPDATE stripe_inbox_lanes SET lane = 'event:1'").await;
        let worker = Worker::new(billing.clone(), InboxSettings::default());
        let Claim { lease, rows } = worker.claim().await.unwrap().unwrap();
        let steps = rows.iter().zip([Some("pi_1"), Some("pi_2")]);
        let steps = steps.map(|(row, payment)| {
            let payment = payment.map(str::to_owned);
            (
                row,
                Step::Drop {
                    reason: NotOursReason::UnknownCustomer,
                    payment,
                },
            )
        });
        execute(&test, INSERT_CUSTOMER).await;
        execute(
            &test,
            "INSERT INTO invoice_payments (payment_intent, customer_id) VALUES ('pi_1', 'cus_1')",
        )
        .await;
        // The moved webhook is due at once.
        let stop = CancellationToken::new();
        stop.cancel();
        let mut next = NextClaim::new(worker.limits(), &stop);
        let committed = billing.commit(&lease, "event:1", steps.collect(), None, false, &mut next);
        committed.await.unwrap();
        let claim = worker.claim().await.unwrap().unwrap();
        assert_eq!(ids(&claim), [("evt_1", 1, 0)], "{engine:?}");
        assert_eq!(claim.lease.lane_of(&claim.rows[0]), "cus_1", "{engine:?}");
        let dropped = billing.not_ours().await.unwrap();
        assert_eq!(dropped[0].webhooks, 1, "{engine:?}: the other one");
    }
}

/// The request locks the customer's lane, and then finds the row of the event.
#[tokio::test]
async fn a_webhook_that_moves_while_it_is_received_again_causes_no_deadlock() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let (test, clock) = (TestDb::new(Engine::Postgres).await, Clock::fixed(1_000));
    let billing = billing(&test, &clock).await;
    let worker = Worker::new(billing, InboxSettings::default());
    let Claim { lease, rows } = worker.claim().await.unwrap().unwrap();
    let again = store::NewWebhook {
        event_id: "evt_1",
        lane: "cus_2",
        event_type: "customer.updated",
        payload: "{}",
        received_ms: 1,
    };
    let mut request = test.db.write().await.unwrap();
    INBOX.lock_lane(&mut request, "cus_2", 1).await.unwrap();
    let db = test.db.clone();
    let moving = tokio::spawn(async move {
        let mut tx = db.write().await.unwrap();
        assert!(INBOX.holds(&mut tx, Engine::Postgres, &lease).await.unwrap());
        let first = &rows[0];
        store::change_lane(&mut tx, first.sequence, &first.job, "cus_2")
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
    let waiting =
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query(waiting)
        .fetch_optional(test.db.pool())
        .await
        .unwrap()
        .is_none()
    {
        tokio::task::yield_now().await;
    }
    assert!(store::insert(&mut request, &[again]).await.unwrap().is_empty());
    request.commit().await.unwrap();
    moving.await.unwrap();
    let lane: String = sqlx::query_scalar("SELECT lane FROM stripe_inbox WHERE event_id = 'evt_1'")
        .fetch_one(test.db.pool())
        .await
        .unwrap();
    assert_eq!(lane, "cus_2");
}

#[tokio::test]
async fn a_value_that_postgres_cannot_store_is_not_retried_without_limit() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let (test, clock) = (TestDb::new(Engine::Postgres).await, Clock::fixed(1_000));
    let worker = Worker::new(billing(&test, &clock).await, InboxSettings::default());
    let Claim { rows, .. } = worker.claim().await.unwrap().unwrap();
    let mut last = rows[0].clone();
    last.attempts = 6;
    let value = Statement::new("SELECT CAST($1 AS TEXT)").bind("\0");
    let error = test.db.execute([value]).await.unwrap_err();
    let next = super::retry::decide(&last, &error.into(), 1_000, 1.0);
    assert_eq!(next.outcome(), "parked");
}
