//! Tests with four concurrent dispatchers on both engines, while events are still being written.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use db::Engine;
use db::testing::engines;
use outbox::{DeliveryFailure, DeliveryOutcome, FailureKind, MemorySink, OutboundEvent, Sink, counts};

use crate::support::{Outbox, SECOND, number_of, user_id, write};

const DISPATCHERS: usize = 4;
const USERS: u128 = 12;
const EVENTS_EACH: u128 = 15;
const EVENTS: i64 = 180;

/// Writes all events. Each user's events are numbered in commit order.
async fn write_all_events(outbox: &Outbox) {
    let writers = (1..=USERS).map(|user| {
        let db = outbox.db().clone();
        tokio::spawn(async move {
            for number in 1..=EVENTS_EACH {
                write(&db, user_id(user), user * 1_000 + number).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// Runs the dispatchers until all events are sent. An idle dispatcher advances the clock by `step_ms`, so that retries
/// become due.
async fn send_all_events(outbox: &Outbox, sink: impl Sink + Clone + 'static, step_ms: i64) {
    let dispatchers = (0..DISPATCHERS).map(|_| {
        let (dispatcher, db, clock) = (
            outbox.second_dispatcher(sink.clone()),
            outbox.db().clone(),
            outbox.clock.clone(),
        );
        tokio::spawn(async move {
            while counts(&db).await.unwrap().sent < EVENTS {
                if dispatcher.drain().await.unwrap().sent == 0 {
                    clock.advance(step_ms);
                }
            }
        })
    });
    let dispatchers = dispatchers.collect::<Vec<_>>();
    let all = async {
        for dispatcher in dispatchers {
            dispatcher.await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(120), all)
        .await
        .expect("all events sent in time");
}

/// Numbers of each user's events, by first arrival.
fn first_arrivals(received: &[OutboundEvent]) -> BTreeMap<String, Vec<u128>> {
    let mut seen = HashSet::new();
    let mut by_user: BTreeMap<String, Vec<u128>> = BTreeMap::new();
    for delivery in received
        .iter()
        .filter(|delivery| seen.insert(delivery.insert_id.clone()))
    {
        by_user
            .entry(delivery.user_id.clone())
            .or_default()
            .push(number_of(&delivery.insert_id));
    }
    by_user
}

fn assert_order_per_user(received: &[OutboundEvent], engine: Engine) {
    let expected: BTreeMap<String, Vec<u128>> = (1..=USERS)
        .map(|user| {
            (
                user_id(user).to_string(),
                (1..=EVENTS_EACH).map(|number| user * 1_000 + number).collect(),
            )
        })
        .collect();
    assert_eq!(first_arrivals(received), expected, "{engine:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_event_is_sent_exactly_once_when_nothing_fails() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        let sink = MemorySink::new();
        tokio::join!(
            write_all_events(&outbox),
            send_all_events(&outbox, sink.clone(), 0)
        );
        let received = sink.received();
        assert_eq!(
            received.len(),
            usize::try_from(EVENTS).unwrap(),
            "{engine:?}: no duplicates"
        );
        assert_order_per_user(&received, engine);
    }
}

/// A sink that fails at random, before or after accepting the events.
#[derive(Clone)]
struct FlakySink(Arc<Mutex<(fastrand::Rng, Vec<OutboundEvent>)>>);

#[async_trait]
impl Sink for FlakySink {
    async fn deliver(&self, batch: &[OutboundEvent], _sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        let mut inner = self.0.lock().unwrap();
        let (random, received) = &mut *inner;
        let failed = |kind| DeliveryOutcome::Retry(DeliveryFailure::new(kind, "at random"));
        match random.u8(0..10) {
            0 => return vec![failed(FailureKind::NotAccepted); batch.len()],
            1 => {
                received.extend_from_slice(batch);
                return vec![failed(FailureKind::Unknown); batch.len()];
            }
            2 => return vec![failed(FailureKind::Unknown); batch.len()],
            _ => {}
        }
        let mut waiting_users = HashSet::new();
        let mut outcomes = Vec::new();
        for delivery in batch {
            let outcome = if waiting_users.contains(&delivery.user_id) {
                DeliveryOutcome::Held
            } else if random.u8(0..10) == 0 {
                waiting_users.insert(delivery.user_id.clone());
                failed(FailureKind::Throttled)
            } else {
                received.push(delivery.clone());
                DeliveryOutcome::Sent
            };
            outcomes.push(outcome);
        }
        outcomes
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_events_arrive_in_each_users_order_when_attempts_fail_at_random() {
    for engine in engines() {
        for seed in 1..=3 {
            let outbox = Outbox::new(engine).await;
            let sink = FlakySink(Arc::new(Mutex::new((fastrand::Rng::with_seed(seed), Vec::new()))));
            tokio::join!(
                write_all_events(&outbox),
                send_all_events(&outbox, sink.clone(), SECOND)
            );
            let received = sink.0.lock().unwrap().1.clone();
            assert_order_per_user(&received, engine);
            let mut bytes: BTreeMap<&str, &str> = BTreeMap::new();
            for delivery in &received {
                let first = *bytes.entry(&delivery.insert_id).or_insert(&delivery.payload);
                assert_eq!(first, delivery.payload, "a repeated event has the same bytes");
            }
        }
    }
}
