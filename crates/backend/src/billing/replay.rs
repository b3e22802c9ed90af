//! Receives webhooks again from Stripe's list of events, after an outage that was longer than Stripe's own retries.

use std::sync::Arc;

use serde_json::Value;

use super::inbox::{ReceiveError, Received};
use super::{Billing, BillingError, StripeCallError};

/// How long Stripe keeps events, in seconds (API reference, "List all events").
pub const EVENTS_KEPT_SECS: i64 = 30 * 86_400;

/// What was done with the listed events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventReplay {
    /// Stored, to be applied by a server.
    pub stored: u64,
    /// Received before.
    pub duplicates: u64,
    /// Counted and not stored, as for received webhooks.
    pub not_ours: u64,
}

/// Why events were not replayed. Those that were stored before stay.
#[derive(Debug, thiserror::Error)]
pub enum EventReplayError {
    /// The list could not be read.
    #[error(transparent)]
    Stripe(#[from] StripeCallError),
    /// The catalog could not be read.
    #[error(transparent)]
    Catalog(#[from] BillingError),
    /// An event could not be stored.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

impl Billing {
    /// Receives all events since `since_secs` (seconds since the epoch) that have an effect here, as if Stripe had sent them
    /// now. Safe to repeat.
    ///
    /// # Errors
    /// When Stripe or the database fails.
    pub async fn replay_events(&self, since_secs: i64) -> Result<EventReplay, EventReplayError> {
        // With it, events of the account's other products are not stored.
        self.plan_product().await?;
        let replayed = self.replay_pages(since_secs).await;
        // No later flush of this process writes them.
        let flushed = self.flush_not_ours().await;
        match (replayed, flushed) {
            (Ok(_), Err(error)) => Err(ReceiveError::from(Arc::new(error)).into()),
            (Err(error), Err(flush_error)) => {
                let flush_error = &flush_error as &dyn std::error::Error;
                tracing::error!(
                    error = flush_error,
                    "the counts of webhooks that are not ours are lost"
                );
                Err(error)
            }
            (replayed, Ok(_)) => replayed,
        }
    }

    async fn replay_pages(&self, since_secs: i64) -> Result<EventReplay, EventReplayError> {
        let mut replay = EventReplay::default();
        let mut after: Option<String> = None;
        loop {
            let (events, has_more) = self.stripe.events(since_secs, after.as_deref()).await?;
            for event in events.iter().rev() {
                let count = match self.accept(event.to_string()).await? {
                    Received::New => &mut replay.stored,
                    Received::Duplicate => &mut replay.duplicates,
                    Received::NotOurs(_) => &mut replay.not_ours,
                };
                *count += 1;
            }
            after = events
                .last()
                .and_then(|event: &Value| event["id"].as_str())
                .map(str::to_owned);
            if !has_more || after.is_none() {
                return Ok(replay);
            }
        }
    }
}
