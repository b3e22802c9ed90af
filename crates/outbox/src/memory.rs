//! A sink that keeps what it gets: for tests, here and in other crates.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::{Delivery, Outcome, Sink};

/// Takes everything, unless told otherwise. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct MemorySink(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    received: Vec<Delivery>,
    batches: Vec<Vec<String>>,
    for_batches: VecDeque<Outcome>,
    for_events: HashMap<String, VecDeque<Outcome>>,
}

impl MemorySink {
    /// A sink that takes everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every event of the next batch ends so. Called several times, it scripts as many batches.
    pub fn answer_next_batch(&self, outcome: Outcome) {
        self.memory().for_batches.push_back(outcome);
    }

    /// The next attempt at this event ends so. Called several times, it scripts as many attempts.
    pub fn answer_event(&self, insert_id: &str, outcome: Outcome) {
        self.memory()
            .for_events
            .entry(insert_id.to_owned())
            .or_default()
            .push_back(outcome);
    }

    /// What arrived, in the order of arrival, repeats included.
    pub fn received(&self) -> Vec<Delivery> {
        self.memory().received.clone()
    }

    /// The insert IDs of every batch that was offered, whatever became of it.
    pub fn batches(&self) -> Vec<Vec<String>> {
        self.memory().batches.clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn scripted(&mut self, insert_id: &str) -> Option<Outcome> {
        self.for_events.get_mut(insert_id).and_then(VecDeque::pop_front)
    }
}

#[async_trait]
impl Sink for MemorySink {
    async fn deliver(&self, batch: &[Delivery], _sent_at_ms: i64) -> Vec<Outcome> {
        let mut memory = self.memory();
        memory
            .batches
            .push(batch.iter().map(|delivery| delivery.insert_id.clone()).collect());
        let whole = memory.for_batches.pop_front();
        let mut waiting = HashSet::new();
        let mut outcomes = Vec::with_capacity(batch.len());
        for delivery in batch {
            let outcome = match &whole {
                Some(outcome) => outcome.clone(),
                None if waiting.contains(&delivery.user_id) => Outcome::Held,
                None => memory.scripted(&delivery.insert_id).unwrap_or(Outcome::Sent),
            };
            match outcome {
                Outcome::Sent => memory.received.push(delivery.clone()),
                Outcome::Retry(_) | Outcome::Held => {
                    waiting.insert(delivery.user_id.clone());
                }
                Outcome::Park(_) => {}
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}
