//! The inbox of Stripe's webhooks.
//!
//! A request handler verifies a webhook, stores it unchanged if it is ours, together with others that arrive at the same time,
//! and responds. A worker applies it later: it claims all due webhooks of one customer under a lease, on any number of servers,
//! reads Stripe's current state once *before* the transaction, and applies them together. The transaction contains the events,
//! our records, and the marks that the webhooks were applied. After a crash the lease expires and they are applied again; their
//! events have the same insert IDs.

mod apply;
mod arrivals;
mod customer_state;
mod fetch;
mod not_ours;
mod observation;
mod ownership;
mod parsed;
mod retry;
mod signature;
mod store;
#[cfg(test)]
mod tests;
mod worker;

pub(super) use arrivals::Arrivals;
pub(super) use not_ours::PendingNotOurs;
pub use observation::WebhookObservation;
pub(super) use observation::WebhookObserver;
pub use ownership::NotOursReason;
pub(super) use parsed::ParsedWebhooks;
pub use retry::ApplyError;
pub use signature::InvalidWebhookError;
pub use store::{InboxCounts, InboxRow, InboxState, NotOursCount};
pub use worker::{InboxReport, InboxSettings, Worker};

use std::sync::Arc;

use super::Billing;
use super::clock_skew::ClockSkew;
use super::store::{DuplicateSubscription, duplicate_subscriptions};

/// The result of receiving a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Stored, to be applied.
    New,
    /// Counted, and not stored.
    NotOurs(NotOursReason),
    /// Received before.
    Duplicate,
}

/// Why a webhook was not stored.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The request is not a valid webhook. Nothing was changed.
    #[error(transparent)]
    Invalid(#[from] InvalidWebhookError),
    /// The database failed. Stripe should send the webhook again.
    #[error(transparent)]
    Database(#[from] Arc<sqlx::Error>),
}

impl Billing {
    /// Verifies a webhook, and stores it if it is ours. `body` is the raw request body, `signature` the header
    /// `Stripe-Signature`. A [`Worker`] applies it later. Reads nothing from Stripe.
    pub async fn receive(&self, body: &[u8], signature: &str) -> Result<Received, ReceiveError> {
        let now_ms = self.clock.now_ms();
        let sent_at_secs = signature::verify(body, signature, &self.webhook_secrets)
            .ok_or(InvalidWebhookError::Signature)?;
        self.clock_skew.record(sent_at_secs, now_ms);
        if !signature::is_recent(sent_at_secs, now_ms) {
            return Err(InvalidWebhookError::Timestamp.into());
        }
        let payload = std::str::from_utf8(body).map_err(|_| InvalidWebhookError::NotAnEvent)?;
        self.accept(payload.to_owned()).await
    }

    /// The newest webhooks, optionally in one state, for operations.
    pub async fn inbox(&self, state: Option<InboxState>, most: i64) -> Result<Vec<InboxRow>, sqlx::Error> {
        store::newest(self.db.pool(), state, most).await
    }

    /// The number of webhooks by state, and the age of the oldest pending one.
    pub async fn inbox_counts(&self) -> Result<InboxCounts, sqlx::Error> {
        store::counts(&self.db).await
    }

    /// By how much this server's clock differed from Stripe's at the last webhook; `None` before the first one.
    pub fn clock_skew(&self) -> Option<ClockSkew> {
        self.clock_skew.last()
    }

    /// Makes a parked webhook pending again. `false` if it is not parked.
    pub async fn replay(&self, event_id: &str) -> Result<bool, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let replayed = store::replay(&mut tx, event_id, self.clock.now_ms()).await?;
        tx.commit().await?;
        if replayed {
            self.arrived.wake();
        }
        Ok(replayed)
    }

    /// Second subscriptions: trials that were canceled, and subscriptions that run beside an older one.
    pub async fn duplicate_subscriptions(
        &self,
        most: i64,
    ) -> Result<Vec<DuplicateSubscription>, sqlx::Error> {
        duplicate_subscriptions(self.db.pool(), most).await
    }
}
