//! A sink that panics: the row at fault is parked, and all other rows are sent.

use std::time::Duration;

use async_trait::async_trait;
use db::testing::engines;
use outbox::{DeliveryOutcome, Dispatcher, MemorySink, OutboundEvent, OutboxState, Sink};

use crate::support::{Outbox, SECOND, insert_id};

/// Panics if the batch contains this event.
#[derive(Clone)]
struct PanickingSink {
    poison: String,
    sink: MemorySink,
}

#[async_trait]
impl Sink for PanickingSink {
    async fn deliver(&self, batch: &[OutboundEvent], sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        assert!(
            batch.iter().all(|event| event.insert_id != self.poison),
            "expected in this test"
        );
        self.sink.deliver(batch, sent_at_ms).await
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

fn dispatcher(outbox: &Outbox, poison: u128) -> Dispatcher {
    outbox.second_dispatcher(PanickingSink {
        poison: insert_id(poison),
        sink: outbox.sink.clone(),
    })
}

#[tokio::test]
async fn the_row_at_fault_is_parked_after_three_panics_and_all_others_are_sent() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        // User 2 has an event before and an event after the one at fault.
        outbox.fill(&[1, 2, 2, 2, 3]).await;
        let dispatcher = dispatcher(&outbox, 3);
        for _ in 0..4 {
            dispatcher.drain().await.unwrap();
            outbox.clock.advance(60 * SECOND);
        }
        dispatcher.drain().await.unwrap();
        let parked = outbox.entry(2, 3).await;
        assert_eq!(
            (parked.state, parked.parked_reason.as_deref(), parked.attempts),
            (OutboxState::Parked, Some("panicked"), 3),
            "{engine:?}"
        );
        let mut received = outbox.received_numbers();
        received.sort_unstable();
        assert_eq!(received, [1, 2, 4, 5], "{engine:?}: each once");
        let of_user_2: Vec<_> = outbox
            .received_numbers()
            .into_iter()
            .filter(|number| [2, 4].contains(number))
            .collect();
        assert_eq!(of_user_2, [2, 4], "{engine:?}: in order");
    }
}

#[tokio::test]
async fn killed_dispatchers_are_no_panics() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1]).await;
        for attempt in 1..=5 {
            let hanging = outbox.second_dispatcher(HangingSink);
            let running = tokio::spawn(async move { hanging.drain().await });
            while outbox.entry(1, 1).await.attempts < attempt {
                tokio::task::yield_now().await;
            }
            running.abort();
            // The lease ends.
            outbox.clock.advance(120 * SECOND);
        }
        outbox.dispatcher.drain().await.unwrap();
        assert_eq!(outbox.received_numbers(), [1], "{engine:?}");
        assert_eq!(outbox.entry(1, 1).await.attempts, 6, "every lease counts");
    }
}

struct HangingSink;

#[async_trait]
impl Sink for HangingSink {
    async fn deliver(&self, _batch: &[OutboundEvent], _sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        std::future::pending().await
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}
