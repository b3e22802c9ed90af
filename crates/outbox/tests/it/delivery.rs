//! Tests of the dispatcher for each outcome, on both engines.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::Db;
use db::testing::engines;
use outbox::{
    Condition, DeliveryFailure, DeliveryOutcome, DispatchReport, Dispatcher, FailureKind, OutboundEvent,
    OutboxState, ParkReason, Sink, park_unsent,
};
use tokio::sync::mpsc;

use crate::support::{DAY, NOW, Outbox, SECOND, insert_id, settings, sign_in, user_id};

fn failed(kind: FailureKind) -> DeliveryOutcome {
    DeliveryOutcome::Retry(DeliveryFailure::new(kind, format!("{kind:?}")))
}

#[tokio::test]
async fn due_events_are_sent_once_in_order_and_unchanged() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 2, 1]).await;
        let report = outbox.dispatcher.drain().await.unwrap();
        assert_eq!(
            report,
            DispatchReport {
                claimed: 3,
                sent: 3,
                ..DispatchReport::default()
            }
        );
        assert_eq!(outbox.received_numbers(), [1, 2, 3]);
        let frozen = serde_json::to_string(&sign_in(user_id(2), 2).wire()).unwrap();
        assert_eq!(outbox.sink.received()[1].payload, frozen);
        assert_eq!(
            outbox.dispatcher.drain().await.unwrap(),
            DispatchReport::default()
        );
    }
}

/// A sink that accepts the batch and never returns, as when the process crashes.
struct CrashingSink(mpsc::UnboundedSender<Vec<OutboundEvent>>);

#[async_trait]
impl Sink for CrashingSink {
    async fn deliver(&self, batch: &[OutboundEvent], _sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        self.0.send(batch.to_vec()).unwrap();
        std::future::pending().await
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

/// Runs a dispatcher that delivers a batch and crashes before it settles. Returns the delivered events.
async fn crash_after_sending(outbox: &Outbox) -> Vec<OutboundEvent> {
    let (sender, mut delivered) = mpsc::unbounded_channel();
    let crashing = outbox.second_dispatcher(CrashingSink(sender));
    tokio::select! {
        report = crashing.run_due_once() => panic!("expected the delivery to hang: {report:?}"),
        batch = delivered.recv() => batch.unwrap(),
    }
}

#[tokio::test]
async fn a_crash_between_delivery_and_settlement_sends_the_same_bytes_again() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 1]).await;
        let delivered = crash_after_sending(&outbox).await;
        assert_eq!(delivered.len(), 2);
        assert_eq!(
            outbox.dispatcher.drain().await.unwrap(),
            DispatchReport::default(),
            "the lease has not ended"
        );
        outbox.clock.advance(60 * SECOND);
        outbox.dispatcher.drain().await.unwrap();
        assert_eq!(
            outbox.sink.received(),
            delivered,
            "the same insert ID, device and payload"
        );
        assert_eq!(outbox.entry(1, 1).await.attempts, 2);
    }
}

#[tokio::test]
async fn a_row_is_parked_when_its_crash_is_older_than_the_dedup_window() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        crash_after_sending(&outbox).await;
        outbox.fill(&[1, 1]).await;
        outbox.clock.advance(7 * DAY);
        let report = outbox.dispatcher.drain().await.unwrap();
        assert_eq!((report.parked, report.sent), (1, 1));
        assert_eq!(
            outbox.received_numbers(),
            [2],
            "the user's next event does not wait for it"
        );
        assert_eq!(
            outbox.entry(1, 1).await.parked_reason.as_deref(),
            Some("dedup window passed")
        );
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_retried_within_the_dedup_window_and_parked_at_its_end() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        outbox.sink.script_next_batch(failed(FailureKind::Unknown));
        outbox.sink.script_next_batch(failed(FailureKind::NotAccepted));
        outbox.dispatcher.drain().await.unwrap();
        outbox.clock.advance(7 * DAY - 1);
        assert_eq!(
            outbox.dispatcher.drain().await.unwrap().retried,
            1,
            "1 ms before the window ends"
        );
        outbox.clock.advance(1);
        outbox.clock.advance(30 * SECOND);
        assert_eq!(outbox.dispatcher.drain().await.unwrap().parked, 1);
        assert_eq!(outbox.sink.batches().len(), 2, "there was no third attempt");
        assert_eq!(
            outbox.entry(1, 1).await.parked_reason.as_deref(),
            Some("dedup window passed")
        );
    }
}

#[tokio::test]
async fn an_event_that_was_not_accepted_is_retried_without_limit() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        for _ in 0..20 {
            outbox.sink.script_next_batch(failed(FailureKind::NotAccepted));
            assert_eq!(outbox.dispatcher.drain().await.unwrap().retried, 1);
            outbox.clock.advance(DAY);
        }
        assert_eq!(outbox.dispatcher.drain().await.unwrap().sent, 1);
        assert_eq!(outbox.entry(1, 1).await.attempts, 21);
    }
}

#[tokio::test]
async fn a_failed_batch_pauses_the_dispatcher_and_is_retried_in_order() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 2, 1]).await;
        outbox.sink.script_next_batch(failed(FailureKind::NotAccepted));
        let report = outbox.dispatcher.drain().await.unwrap();
        assert_eq!(
            report,
            DispatchReport {
                claimed: 3,
                retried: 3,
                ..DispatchReport::default()
            }
        );
        let health = outbox.dispatcher.health().borrow().clone();
        assert_eq!(
            (health.condition, health.paused_until_ms),
            (Condition::Failing, Some(NOW + SECOND))
        );
        // A row written during the pause is not attempted.
        crate::support::write(outbox.db(), user_id(3), 4).await;
        assert_eq!(
            outbox.dispatcher.drain().await.unwrap(),
            DispatchReport::default()
        );
        outbox.clock.advance(SECOND);
        assert_eq!(outbox.dispatcher.drain().await.unwrap().sent, 4);
        assert_eq!(outbox.received_numbers(), [1, 2, 3, 4]);
        let health = outbox.dispatcher.health().borrow().clone();
        assert_eq!(
            (health.condition, health.last_sent_ms),
            (Condition::Healthy, Some(NOW + SECOND))
        );
    }
}

#[tokio::test]
async fn an_invalid_event_is_parked_and_blocks_no_other_event() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 1, 2]).await;
        outbox.sink.script_event(
            &insert_id(1),
            DeliveryOutcome::Park(ParkReason::InvalidField("time".to_owned())),
        );
        let report = outbox.dispatcher.drain().await.unwrap();
        assert_eq!((report.sent, report.parked), (2, 1));
        assert_eq!(outbox.received_numbers(), [2, 3]);
        assert_eq!(
            outbox.entry(1, 1).await.parked_reason.as_deref(),
            Some("invalid field: time")
        );
    }
}

#[tokio::test]
async fn a_throttled_user_waits_30_seconds_and_other_users_are_sent() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 2, 1]).await;
        outbox
            .sink
            .script_event(&insert_id(1), failed(FailureKind::Throttled));
        let report = outbox.dispatcher.drain().await.unwrap();
        assert_eq!((report.sent, report.retried, report.held), (1, 1, 1));
        outbox.clock.advance(30 * SECOND - 1);
        assert_eq!(
            outbox.dispatcher.drain().await.unwrap(),
            DispatchReport::default()
        );
        outbox.clock.advance(1);
        assert_eq!(outbox.dispatcher.drain().await.unwrap().sent, 2);
        assert_eq!(
            outbox.received_numbers(),
            [2, 1, 3],
            "a user's second event is never sent before the first"
        );
        assert_eq!(
            outbox.entry(1, 3).await.attempts,
            1,
            "a held row counts no attempt"
        );
    }
}

#[tokio::test]
async fn an_invalid_key_stops_delivery_and_counts_no_attempt() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        outbox.sink.script_next_batch(failed(FailureKind::Misconfigured));
        outbox.dispatcher.drain().await.unwrap();
        let health = outbox.dispatcher.health().borrow().clone();
        assert_eq!(
            (health.condition, health.paused_until_ms),
            (Condition::Misconfigured, Some(NOW + 30 * SECOND))
        );
        let waiting = outbox.entry(1, 1).await;
        assert_eq!(
            (waiting.state, waiting.attempts, waiting.next_attempt_ms),
            (OutboxState::Pending, 0, NOW)
        );
        // After a restart with a valid key the row is sent at once.
        assert_eq!(
            outbox
                .second_dispatcher(outbox.sink.clone())
                .drain()
                .await
                .unwrap()
                .sent,
            1
        );
    }
}

/// A sink that withdraws the user's consent during the delivery and returns the given outcome.
struct ConsentWithdrawingSink(Db, DeliveryOutcome);

#[async_trait]
impl Sink for ConsentWithdrawingSink {
    async fn deliver(&self, batch: &[OutboundEvent], _sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        let mut tx = self.0.write().await.unwrap();
        park_unsent(&mut tx, user_id(1), ParkReason::ConsentWithdrawn, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        vec![self.1.clone(); batch.len()]
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

#[tokio::test]
async fn consent_withdrawn_during_a_delivery_prevents_retries() {
    for engine in engines() {
        for outcome in [DeliveryOutcome::Sent, failed(FailureKind::Unknown)] {
            let outbox = Outbox::new(engine).await;
            outbox.fill(&[1, 2]).await;
            let dispatcher = outbox.second_dispatcher(ConsentWithdrawingSink(outbox.db().clone(), outcome));
            assert_eq!(dispatcher.run_due_once().await.unwrap().lost, 1);
            assert_eq!(
                outbox.entry(1, 1).await.parked_reason.as_deref(),
                Some("consent withdrawn")
            );
            outbox.clock.advance(DAY);
            outbox.dispatcher.drain().await.unwrap();
            assert!(!outbox.received_numbers().contains(&1), "not sent again");
        }
    }
}

/// A defective sink that returns no outcomes.
struct EmptySink;

#[async_trait]
impl Sink for EmptySink {
    async fn deliver(&self, _batch: &[OutboundEvent], _sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        Vec::new()
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

#[tokio::test]
async fn rows_without_an_outcome_count_as_unknown() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        assert_eq!(
            outbox.second_dispatcher(EmptySink).drain().await.unwrap().retried,
            1
        );
        let waiting = outbox.entry(1, 1).await;
        assert_eq!((waiting.state, waiting.attempts), (OutboxState::Pending, 1));
        assert!(waiting.last_error.is_some());
    }
}

#[tokio::test]
async fn nothing_is_sent_when_the_lease_ends_before_the_delivery() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        // Each read of this clock is 30 seconds later, as on a machine that was suspended.
        let (now, suspended) = (outbox.clock.clock(), outbox.clock.clone());
        let clock = Arc::new(move || {
            suspended.advance(30 * SECOND + 1);
            now()
        });
        let sink = Arc::new(outbox.sink.clone());
        let slow = Dispatcher::new(outbox.db().clone(), sink, clock, settings());
        assert_eq!(slow.run_due_once().await.unwrap().held, 1);
        assert!(outbox.sink.batches().is_empty());
        let waiting = outbox.entry(1, 1).await;
        assert_eq!((waiting.state, waiting.attempts), (OutboxState::Pending, 0));
        assert_eq!(outbox.dispatcher.drain().await.unwrap().sent, 1);
    }
}
