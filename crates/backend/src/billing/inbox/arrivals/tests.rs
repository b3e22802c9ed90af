//! Tests of webhooks that arrive at the same time.

use std::pin::pin;

use db::testing::{TestDb, engines};
use db::{Engine, Statement};
use futures::FutureExt;
use futures::future::join_all;
use outbox::Wakeup;
use serde_json::json;
use sqlx::Row;
use tokio::time::{Instant, timeout};

use super::{MAX_TOGETHER, MAX_UNANSWERED, MAX_WORKER_WAIT, Received};
use crate::billing::Billing;
use crate::billing::inbox::store::INBOX;
use crate::billing::inbox::{InboxSettings, NotOursReason, Worker};
use crate::clock::Clock;
use crate::config::Config;

/// Customers that our database knows.
const CUSTOMERS: usize = 7;

async fn billing(test: &TestDb) -> Billing {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::read(|name| (name == "SEAMLINE_LOCAL").then(|| "1".to_owned())).unwrap();
    for number in 0..CUSTOMERS {
        let insert = Statement::new("INSERT INTO stripe_customers (id, created_at) VALUES ($1, 1)")
            .bind(format!("cus_{number}"));
        test.db.execute([insert]).await.unwrap();
    }
    Billing::new(&config, test.db.clone(), Clock::fixed(1_000), Wakeup::new()).unwrap()
}

/// The body of a webhook. `id` is written into the JSON.
fn body(id: &str, customer: &str) -> String {
    let rest = json!({
        "type": "customer.updated", "created": 1,
        "data": {"object": {"id": customer, "object": "customer"}},
    });
    rest.to_string().replacen('{', &format!(r#"{{"id":"{id}","#), 1)
}

/// The event IDs of each lane, in the order in which they are applied.
async fn stored(test: &TestDb) -> Vec<(String, String)> {
    let rows = sqlx::query("SELECT lane, event_id FROM stripe_inbox ORDER BY sequence")
        .fetch_all(test.db.pool())
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn webhooks_that_arrive_together_get_their_own_answers_and_keep_the_order_of_their_lanes() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let billing = billing(&test).await;
        let count = 2 * MAX_TOGETHER + 40;
        let expected = |number: usize| match number % 10 {
            // The same event again, while the first one waits.
            8 => Received::Duplicate,
            9 => Received::NotOurs(NotOursReason::UnknownCustomer),
            _ => Received::New,
        };
        let arriving = (0..count).map(|number| {
            let (id, customer) = match expected(number) {
                Received::New => (number, number % CUSTOMERS),
                Received::Duplicate => (number - 1, (number - 1) % CUSTOMERS),
                Received::NotOurs(_) => (number, CUSTOMERS),
            };
            billing.accept(body(&format!("evt_{id:03}"), &format!("cus_{customer}")))
        });
        let answers = join_all(arriving).await;
        for (number, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.unwrap(), expected(number), "{engine:?} {number}");
        }
        let is_new = |number: &usize| expected(*number) == Received::New;
        let in_order: Vec<_> = (0..count)
            .filter(is_new)
            .map(|number| (format!("cus_{}", number % CUSTOMERS), format!("evt_{number:03}")))
            .collect();
        assert_eq!(stored(&test).await, in_order, "{engine:?}");
        let not_ours = billing.not_ours().await.unwrap();
        assert_eq!(
            not_ours[0].webhooks,
            count as i64 / 10,
            "{engine:?}: each is counted once"
        );

        let mut first: Vec<(String, String)> = Vec::new();
        let worker = Worker::new(billing, InboxSettings::default());
        while let Some(claim) = worker.claim().await.unwrap() {
            let lane = claim.lease.lane_of(&claim.rows[0]).to_owned();
            first.push((lane, claim.rows[0].job.event_id.clone()));
        }
        assert_eq!(first.len(), CUSTOMERS, "{engine:?}: each lane is due");
        assert!(
            first.iter().all(|lane| in_order[..CUSTOMERS].contains(lane)),
            "{engine:?}: {first:?}"
        );
    }
}

#[tokio::test]
async fn a_repeated_webhook_leaves_no_lane_without_rows() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let billing = billing(&test).await;
        billing.accept(body("evt_1", "cus_1")).await.unwrap();
        for sql in [
            "UPDATE stripe_inbox SET state = 'applied', applied_ms = 1",
            "DELETE FROM stripe_inbox_lanes",
        ] {
            test.db.execute([Statement::new(sql)]).await.unwrap();
        }
        let again = [body("evt_1", "cus_1"), body("evt_2", "cus_2")].map(|body| billing.accept(body));
        let answers: Vec<_> = join_all(again).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, [Received::Duplicate, Received::New], "{engine:?}");
        let lanes: Vec<String> = sqlx::query_scalar("SELECT lane FROM stripe_inbox_lanes")
            .fetch_all(test.db.pool())
            .await
            .unwrap();
        assert_eq!(lanes, ["cus_2"], "{engine:?}");
    }
}

#[tokio::test]
async fn a_canceled_request_loses_no_webhook() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let billing = billing(&test).await;
        let mut other = test.db.write().await.unwrap();
        INBOX.lock_lane(&mut other, "cus_1", 1).await.unwrap();
        let canceled = billing.accept(body("evt_1", "cus_1")).now_or_never();
        assert!(
            canceled.is_none(),
            "{engine:?}: it waits for the lane, and is dropped"
        );
        let waiting = tokio::spawn({
            let billing = billing.clone();
            async move { billing.accept(body("evt_2", "cus_1")).await }
        });
        tokio::task::yield_now().await;
        drop(other);
        assert_eq!(waiting.await.unwrap().unwrap(), Received::New, "{engine:?}");
        let again = billing.accept(body("evt_1", "cus_1")).await;
        assert_eq!(again.unwrap(), Received::Duplicate, "{engine:?}");
    }
}

#[tokio::test]
async fn workers_wait_for_a_burst_of_webhooks() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let billing = billing(&test).await;
        billing.accept(body("evt_first", "cus_1")).await.unwrap();
        let writer = billing.arrivals.writer.lock().await;
        let burst =
            (0..=MAX_UNANSWERED).map(|number| billing.accept(body(&format!("evt_{number}"), "cus_1")));
        let mut burst = pin!(join_all(burst));
        assert!(burst.as_mut().now_or_never().is_none());
        let worker = Worker::new(billing.clone(), InboxSettings::default());
        let applied = timeout(MAX_WORKER_WAIT / 2, worker.drain()).await;
        assert!(
            applied.is_err(),
            "{engine:?}: the worker waits, although its webhook is stored"
        );
        let started = Instant::now();
        billing.arrivals.wait_for_burst().await;
        assert!(
            started.elapsed() >= MAX_WORKER_WAIT,
            "{engine:?}: it goes on although none is answered"
        );
        drop(writer);
        for answer in burst.await {
            assert_eq!(answer.unwrap(), Received::New, "{engine:?}");
        }
        assert!(
            billing.arrivals.wait_for_burst().now_or_never().is_some(),
            "{engine:?}: all are answered"
        );
    }
}

#[tokio::test]
async fn a_webhook_that_the_database_refuses_fails_no_other() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let test = TestDb::new(Engine::Postgres).await;
    let billing = billing(&test).await;
    // Postgres stores no text with a NUL.
    let bodies = ["evt_1", r"evt_\u0000", "evt_3"].map(|id| body(id, "cus_1"));
    let answers = join_all(bodies.map(|body| billing.accept(body))).await;
    let is_new: Vec<_> = answers
        .iter()
        .map(|answer| matches!(answer, Ok(Received::New)))
        .collect();
    assert_eq!(is_new, [true, false, true], "{answers:?}");
    let events: Vec<_> = stored(&test).await.into_iter().map(|(_, event)| event).collect();
    assert_eq!(events, ["evt_1", "evt_3"]);
}
