//! Tests of a worker whose attempts panic.

use db::testing::{TestDb, engines};
use outbox::Wakeup;
use serde_json::json;

use super::apply::ApplyOutcome;
use super::store::{self, Lease};
use super::{InboxReport, InboxSettings, InboxState, Worker};
use crate::billing::Billing;
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
            payload: Some(&json!({}).to_string()),
            now_ms,
            pending: true,
        };
        assert!(store::insert(&mut tx, &webhook).await.unwrap());
    }
    tx.commit().await.unwrap();
    billing
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
            let due = store::due(test.db.pool(), LANE, clock.now_ms(), 10)
                .await
                .unwrap();
            let (poison, next) = (&due[0], due.get(1));
            assert_eq!(
                (poison.attempts, poison.panics),
                (attempt, attempt - 1),
                "{engine:?}"
            );
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
            if let Some(next) = next {
                let report = worker
                    .attempt(lease, next, async { Ok(ApplyOutcome::Events(0)) })
                    .await
                    .unwrap();
                assert_eq!(report.map(|report| report.applied), Some(1), "{engine:?}");
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
