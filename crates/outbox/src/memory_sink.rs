//! A sink that keeps events in memory, for tests of this and other crates.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::{DeliveryOutcome, OutboundEvent, Sink};

/// Accepts every event unless an outcome is scripted. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct MemorySink(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    received: Vec<OutboundEvent>,
    batches: Vec<Vec<String>>,
    batch_outcomes: VecDeque<DeliveryOutcome>,
    event_outcomes: HashMap<String, VecDeque<DeliveryOutcome>>,
}

impl MemorySink {
    /// Creates a sink that accepts every event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Scripts the outcome of every event in the next batch. Each call scripts one more batch.
    pub fn script_next_batch(&self, outcome: DeliveryOutcome) {
        self.memory().batch_outcomes.push_back(outcome);
    }

    /// Scripts the outcome of the next attempt for this event. Each call scripts one more attempt.
    pub fn script_event(&self, insert_id: &str, outcome: DeliveryOutcome) {
        self.memory()
            .event_outcomes
            .entry(insert_id.to_owned())
            .or_default()
            .push_back(outcome);
    }

    /// The accepted events in order of arrival, including repeats.
    pub fn received(&self) -> Vec<OutboundEvent> {
        self.memory().received.clone()
    }

    /// The insert IDs of every attempted batch, accepted or not.
    pub fn batches(&self) -> Vec<Vec<String>> {
        self.memory().batches.clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn next_event_outcome(&mut self, insert_id: &str) -> Option<DeliveryOutcome> {
        self.event_outcomes
            .get_mut(insert_id)
            .and_then(VecDeque::pop_front)
    }
}

#[async_trait]
impl Sink for MemorySink {
    async fn deliver(&self, batch: &[OutboundEvent], _sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        let mut memory = self.memory();
        memory
            .batches
            .push(batch.iter().map(|delivery| delivery.insert_id.clone()).collect());
        let batch_outcome = memory.batch_outcomes.pop_front();
        let mut waiting_users = HashSet::new();
        let mut outcomes = Vec::with_capacity(batch.len());
        for delivery in batch {
            let outcome = match &batch_outcome {
                Some(outcome) => outcome.clone(),
                None if waiting_users.contains(&delivery.user_id) => DeliveryOutcome::Held,
                None => memory
                    .next_event_outcome(&delivery.insert_id)
                    .unwrap_or(DeliveryOutcome::Sent),
            };
            match outcome {
                DeliveryOutcome::Sent => memory.received.push(delivery.clone()),
                DeliveryOutcome::Retry(_) | DeliveryOutcome::Held => {
                    waiting_users.insert(delivery.user_id.clone());
                }
                DeliveryOutcome::Park(_) => {}
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}
