//! Four dispatchers at once, on both engines, while people's events are still being written.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use db::Engine;
use db::testing::engines;
use outbox::{Delivery, Failure, FailureKind, MemorySink, Outcome, Sink, counts};

use crate::support::{Outbox, SECOND, number_of, person, write};

const DISPATCHERS: usize = 4;
const PEOPLE: u128 = 12;
const EVENTS_EACH: u128 = 15;
const EVENTS: i64 = 180;

/// Each person's events are numbered in the order in which they were committed.
async fn write_everything(outbox: &Outbox) {
    let writers = (1..=PEOPLE).map(|user| {
        let db = outbox.db().clone();
        tokio::spawn(async move {
            for number in 1..=EVENTS_EACH {
                write(&db, person(user), user * 1_000 + number).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// Runs the dispatchers until everything is sent. An idle one moves the clock by `step_ms`, so that retries come due.
async fn send_everything(outbox: &Outbox, sink: impl Sink + Clone + 'static, step_ms: i64) {
    let dispatchers = (0..DISPATCHERS).map(|_| {
        let (dispatcher, db, clock) = (
            outbox.another(sink.clone()),
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
        .expect("they never finish");
}

/// The first arrival of each event, person by person.
fn first_arrivals(received: &[Delivery]) -> BTreeMap<String, Vec<u128>> {
    let mut seen = HashSet::new();
    let mut by_person: BTreeMap<String, Vec<u128>> = BTreeMap::new();
    for delivery in received
        .iter()
        .filter(|delivery| seen.insert(delivery.insert_id.clone()))
    {
        by_person
            .entry(delivery.user_id.clone())
            .or_default()
            .push(number_of(&delivery.insert_id));
    }
    by_person
}

fn assert_everyone_in_order(received: &[Delivery], engine: Engine) {
    let expected: BTreeMap<String, Vec<u128>> = (1..=PEOPLE)
        .map(|user| {
            (
                person(user).to_string(),
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
            write_everything(&outbox),
            send_everything(&outbox, sink.clone(), 0)
        );
        let received = sink.received();
        assert_eq!(
            received.len(),
            usize::try_from(EVENTS).unwrap(),
            "{engine:?}: none twice"
        );
        assert_everyone_in_order(&received, engine);
    }
}

/// Fails at random, in every way there is: before and after taking what it was given.
#[derive(Clone)]
struct Flaky(Arc<Mutex<(fastrand::Rng, Vec<Delivery>)>>);

#[async_trait]
impl Sink for Flaky {
    async fn deliver(&self, batch: &[Delivery], _sent_at_ms: i64) -> Vec<Outcome> {
        let mut inner = self.0.lock().unwrap();
        let (random, received) = &mut *inner;
        let failed = |kind| Outcome::Retry(Failure::new(kind, "at random"));
        match random.u8(0..10) {
            0 => return vec![failed(FailureKind::NotAccepted); batch.len()],
            1 => {
                received.extend_from_slice(batch);
                return vec![failed(FailureKind::Unknown); batch.len()];
            }
            2 => return vec![failed(FailureKind::Unknown); batch.len()],
            _ => {}
        }
        let mut waiting = HashSet::new();
        let mut outcomes = Vec::new();
        for delivery in batch {
            let outcome = if waiting.contains(&delivery.user_id) {
                Outcome::Held
            } else if random.u8(0..10) == 0 {
                waiting.insert(delivery.user_id.clone());
                failed(FailureKind::Throttled)
            } else {
                received.push(delivery.clone());
                Outcome::Sent
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
async fn everything_arrives_in_each_persons_order_when_attempts_fail_at_random() {
    for engine in engines() {
        for seed in 1..=3 {
            let outbox = Outbox::new(engine).await;
            let sink = Flaky(Arc::new(Mutex::new((fastrand::Rng::with_seed(seed), Vec::new()))));
            tokio::join!(
                write_everything(&outbox),
                send_everything(&outbox, sink.clone(), SECOND)
            );
            let received = sink.0.lock().unwrap().1.clone();
            assert_everyone_in_order(&received, engine);
            let mut bytes: BTreeMap<&str, &str> = BTreeMap::new();
            for delivery in &received {
                let first = *bytes.entry(&delivery.insert_id).or_insert(&delivery.payload);
                assert_eq!(first, delivery.payload, "a repeat is the same bytes");
            }
        }
    }
}
