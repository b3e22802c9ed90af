//! What becomes of rows, outcome by outcome, on both engines.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::Db;
use db::testing::engines;
use outbox::{
    Condition, Delivery, Dispatcher, Failure, FailureKind, Outcome, ParkReason, Round, Sink, State,
    park_unsent,
};
use tokio::sync::mpsc;

use crate::support::{DAY, NOW, Outbox, SECOND, insert_id, person, settings, sign_in};

fn failed(kind: FailureKind) -> Outcome {
    Outcome::Retry(Failure::new(kind, format!("{kind:?}")))
}

#[tokio::test]
async fn everything_due_is_sent_once_in_order_as_it_was_written() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 2, 1]).await;
        let round = outbox.dispatcher.drain().await.unwrap();
        assert_eq!(
            round,
            Round {
                claimed: 3,
                sent: 3,
                ..Round::default()
            }
        );
        assert_eq!(outbox.arrived(), [1, 2, 3]);
        let frozen = serde_json::to_string(&sign_in(person(2), 2).wire()).unwrap();
        assert_eq!(outbox.sink.received()[1].payload, frozen);
        assert_eq!(outbox.dispatcher.drain().await.unwrap(), Round::default());
    }
}

/// Takes the batch, says so, and never answers: the process dies in between.
struct Crashing(mpsc::UnboundedSender<Vec<Delivery>>);

#[async_trait]
impl Sink for Crashing {
    async fn deliver(&self, batch: &[Delivery], _sent_at_ms: i64) -> Vec<Outcome> {
        self.0.send(batch.to_vec()).unwrap();
        std::future::pending().await
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

/// A dispatcher that delivers and is gone before it can settle; what it delivered.
async fn crash_after_sending(outbox: &Outbox) -> Vec<Delivery> {
    let (sender, mut delivered) = mpsc::unbounded_channel();
    let crashing = outbox.another(Crashing(sender));
    tokio::select! {
        round = crashing.run_due_once() => panic!("it was to hang: {round:?}"),
        batch = delivered.recv() => batch.unwrap(),
    }
}

#[tokio::test]
async fn a_crash_between_delivery_and_settlement_sends_the_same_bytes_again() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 1]).await;
        let before = crash_after_sending(&outbox).await;
        assert_eq!(before.len(), 2);
        assert_eq!(
            outbox.dispatcher.drain().await.unwrap(),
            Round::default(),
            "the lease still holds"
        );
        outbox.clock.advance(60 * SECOND);
        outbox.dispatcher.drain().await.unwrap();
        assert_eq!(
            outbox.sink.received(),
            before,
            "insert ID, device and payload to the byte"
        );
        assert_eq!(outbox.entry(1, 1).await.attempts, 2);
    }
}

#[tokio::test]
async fn a_crash_that_is_noticed_after_the_dedup_window_parks_instead_of_doubling() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        crash_after_sending(&outbox).await;
        outbox.fill(&[1, 1]).await;
        outbox.clock.advance(7 * DAY);
        let round = outbox.dispatcher.drain().await.unwrap();
        assert_eq!((round.parked, round.sent), (1, 1));
        assert_eq!(
            outbox.arrived(),
            [2],
            "the next event of the person does not wait for it"
        );
        assert_eq!(
            outbox.entry(1, 1).await.parked_reason.as_deref(),
            Some("dedup window passed")
        );
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_retried_within_the_window_and_parked_at_its_end() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        outbox.sink.answer_next_batch(failed(FailureKind::Unknown));
        outbox.sink.answer_next_batch(failed(FailureKind::NotAccepted));
        outbox.dispatcher.drain().await.unwrap();
        outbox.clock.advance(7 * DAY - 1);
        assert_eq!(
            outbox.dispatcher.drain().await.unwrap().retried,
            1,
            "a millisecond before the window ends"
        );
        outbox.clock.advance(1);
        outbox.clock.advance(30 * SECOND);
        assert_eq!(outbox.dispatcher.drain().await.unwrap().parked, 1);
        assert_eq!(outbox.sink.batches().len(), 2, "it was not offered a third time");
        assert_eq!(
            outbox.entry(1, 1).await.parked_reason.as_deref(),
            Some("dedup window passed")
        );
    }
}

#[tokio::test]
async fn what_was_certainly_not_accepted_is_retried_for_ever() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        for _ in 0..20 {
            outbox.sink.answer_next_batch(failed(FailureKind::NotAccepted));
            assert_eq!(outbox.dispatcher.drain().await.unwrap().retried, 1);
            outbox.clock.advance(DAY);
        }
        assert_eq!(outbox.dispatcher.drain().await.unwrap().sent, 1);
        assert_eq!(outbox.entry(1, 1).await.attempts, 21);
    }
}

#[tokio::test]
async fn a_failed_batch_pauses_the_dispatcher_and_goes_again_in_order() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 2, 1]).await;
        outbox.sink.answer_next_batch(failed(FailureKind::NotAccepted));
        let round = outbox.dispatcher.drain().await.unwrap();
        assert_eq!(
            round,
            Round {
                claimed: 3,
                retried: 3,
                ..Round::default()
            }
        );
        let health = outbox.dispatcher.health().borrow().clone();
        assert_eq!(
            (health.condition, health.paused_until_ms),
            (Condition::Failing, Some(NOW + SECOND))
        );
        // A row that comes meanwhile is not tried against a receiver that is down.
        crate::support::write(outbox.db(), person(3), 4).await;
        assert_eq!(outbox.dispatcher.drain().await.unwrap(), Round::default());
        outbox.clock.advance(SECOND);
        assert_eq!(outbox.dispatcher.drain().await.unwrap().sent, 4);
        assert_eq!(outbox.arrived(), [1, 2, 3, 4]);
        let health = outbox.dispatcher.health().borrow().clone();
        assert_eq!(
            (health.condition, health.last_sent_ms),
            (Condition::Well, Some(NOW + SECOND))
        );
    }
}

#[tokio::test]
async fn a_poison_event_is_set_aside_and_nobody_waits_for_it() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 1, 2]).await;
        outbox.sink.answer_event(
            &insert_id(1),
            Outcome::Park(ParkReason::InvalidField("time".to_owned())),
        );
        let round = outbox.dispatcher.drain().await.unwrap();
        assert_eq!((round.sent, round.parked), (2, 1));
        assert_eq!(outbox.arrived(), [2, 3]);
        assert_eq!(
            outbox.entry(1, 1).await.parked_reason.as_deref(),
            Some("invalid field: time")
        );
    }
}

#[tokio::test]
async fn a_throttled_person_waits_half_a_minute_and_the_others_go_on() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 2, 1]).await;
        outbox
            .sink
            .answer_event(&insert_id(1), failed(FailureKind::Throttled));
        let round = outbox.dispatcher.drain().await.unwrap();
        assert_eq!((round.sent, round.retried, round.held), (1, 1, 1));
        outbox.clock.advance(30 * SECOND - 1);
        assert_eq!(outbox.dispatcher.drain().await.unwrap(), Round::default());
        outbox.clock.advance(1);
        assert_eq!(outbox.dispatcher.drain().await.unwrap().sent, 2);
        assert_eq!(
            outbox.arrived(),
            [2, 1, 3],
            "her second event never overtakes her first"
        );
        assert_eq!(outbox.entry(1, 3).await.attempts, 1, "held is not an attempt");
    }
}

#[tokio::test]
async fn a_refused_key_stops_everything_loses_nothing_and_counts_no_attempt() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        outbox.sink.answer_next_batch(failed(FailureKind::Misconfigured));
        outbox.dispatcher.drain().await.unwrap();
        let health = outbox.dispatcher.health().borrow().clone();
        assert_eq!(
            (health.condition, health.paused_until_ms),
            (Condition::Misconfigured, Some(NOW + 30 * SECOND))
        );
        let waiting = outbox.entry(1, 1).await;
        assert_eq!(
            (waiting.state, waiting.attempts, waiting.next_attempt_ms),
            (State::Pending, 0, NOW)
        );
        // After a restart with the right key it goes at once.
        assert_eq!(outbox.another(outbox.sink.clone()).drain().await.unwrap().sent, 1);
    }
}

/// During the delivery the person withdraws consent; the attempt itself ends with this outcome.
struct Withdrawing(Db, Outcome);

#[async_trait]
impl Sink for Withdrawing {
    async fn deliver(&self, batch: &[Delivery], _sent_at_ms: i64) -> Vec<Outcome> {
        let mut tx = self.0.write().await.unwrap();
        park_unsent(&mut tx, person(1), ParkReason::ConsentWithdrawn, NOW)
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
async fn consent_withdrawn_during_a_delivery_is_the_last_word() {
    for engine in engines() {
        for outcome in [Outcome::Sent, failed(FailureKind::Unknown)] {
            let outbox = Outbox::new(engine).await;
            outbox.fill(&[1, 2]).await;
            let dispatcher = outbox.another(Withdrawing(outbox.db().clone(), outcome));
            assert_eq!(dispatcher.run_due_once().await.unwrap().lost, 1);
            assert_eq!(
                outbox.entry(1, 1).await.parked_reason.as_deref(),
                Some("consent withdrawn")
            );
            outbox.clock.advance(DAY);
            outbox.dispatcher.drain().await.unwrap();
            assert!(!outbox.arrived().contains(&1), "not sent again");
        }
    }
}

/// Says nothing of anything: a sink with a defect.
struct Silent;

#[async_trait]
impl Sink for Silent {
    async fn deliver(&self, _batch: &[Delivery], _sent_at_ms: i64) -> Vec<Outcome> {
        Vec::new()
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

#[tokio::test]
async fn rows_that_a_sink_forgets_count_as_unknown() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        assert_eq!(outbox.another(Silent).drain().await.unwrap().retried, 1);
        let waiting = outbox.entry(1, 1).await;
        assert_eq!((waiting.state, waiting.attempts), (State::Pending, 1));
        assert!(waiting.last_error.is_some());
    }
}

#[tokio::test]
async fn a_lease_that_ran_down_before_the_delivery_sends_nothing() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        // Each look at this clock is half a minute later: a machine that was suspended in between.
        let (frozen, suspended) = (outbox.clock.clock(), outbox.clock.clone());
        let clock = Arc::new(move || {
            suspended.advance(30 * SECOND + 1);
            frozen()
        });
        let sink = Arc::new(outbox.sink.clone());
        let slow = Dispatcher::new(outbox.db().clone(), sink, clock, settings());
        assert_eq!(slow.run_due_once().await.unwrap().held, 1);
        assert!(outbox.sink.batches().is_empty());
        let waiting = outbox.entry(1, 1).await;
        assert_eq!((waiting.state, waiting.attempts), (State::Pending, 0));
        assert_eq!(outbox.dispatcher.drain().await.unwrap().sent, 1);
    }
}
