//! The inbox of Stripe's webhooks.
//!
//! A request handler verifies a webhook, stores it unchanged, and responds. A worker applies it later. Webhooks of one
//! customer are applied one at a time under a lease, on any number of servers. The worker reads Stripe's current state
//! *before* the transaction. The transaction contains the events, our records, and the mark that the webhook was
//! applied. After a crash the lease expires and the webhook is applied again; its events have the same insert IDs.

mod apply;
mod fetch;
mod retry;
mod signature;
mod store;
#[cfg(test)]
mod tests;
mod worker;

pub use retry::ApplyError;
pub use signature::InvalidWebhookError;
pub use store::{InboxCounts, InboxRow, InboxState};
pub use worker::{InboxReport, InboxSettings, Worker};

use serde_json::Value;

use super::Billing;
use super::mapping::subject;
use super::payload::StripeEvent;
use super::store::{CustomerOwner, DuplicateSubscription, duplicate_subscriptions};
use store::NewWebhook;

/// The result of receiving a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Stored, to be applied.
    New,
    /// Stored. Its type has no effect here.
    Ignored,
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
    Database(#[from] sqlx::Error),
}

impl Billing {
    /// Verifies and stores a webhook. `body` is the raw request body, `signature` the header `Stripe-Signature`. A
    /// [`Worker`] applies it later.
    pub async fn receive(&self, body: &[u8], signature: &str) -> Result<Received, ReceiveError> {
        let now_ms = self.clock.now_ms();
        let payload = signature::verify(body, signature, &self.webhook_secrets, now_ms)?;
        let json: Value = serde_json::from_str(payload).map_err(|_| InvalidWebhookError::NotAnEvent)?;
        let event = StripeEvent::read(&json).map_err(|_| InvalidWebhookError::NotAnEvent)?;
        // An unreadable webhook is stored too. A worker parks it, so that operators see it.
        let is_relevant = !matches!(subject(&event), Ok(None));
        let is_of_deleted_account = match event.customer() {
            Some(customer) if !is_relevant => {
                super::store::customer(self.db.pool(), customer).await? == Some(CustomerOwner::Deleted)
            }
            _ => false,
        };
        let lane = event
            .customer()
            .map_or_else(|| format!("event:{}", event.id), str::to_owned);
        let mut tx = self.db.write().await?;
        let new = store::insert(
            &mut tx,
            &NewWebhook {
                event_id: &event.id,
                lane: &lane,
                event_type: &event.kind,
                // The webhook about a deleted customer contains personal data, so its payload is not stored.
                payload: (!is_of_deleted_account).then_some(payload),
                now_ms,
                pending: is_relevant,
            },
        )
        .await?;
        tx.commit().await?;
        if new && is_relevant {
            self.arrived.notify_one();
        }
        Ok(match (new, is_relevant) {
            (false, _) => Received::Duplicate,
            (true, true) => Received::New,
            (true, false) => Received::Ignored,
        })
    }

    /// The newest webhooks, optionally in one state, for operations.
    pub async fn inbox(&self, state: Option<InboxState>, most: i64) -> Result<Vec<InboxRow>, sqlx::Error> {
        store::newest(self.db.pool(), state, most).await
    }

    /// The number of webhooks by state, and the age of the oldest pending one.
    pub async fn inbox_counts(&self) -> Result<InboxCounts, sqlx::Error> {
        store::counts(self.db.pool()).await
    }

    /// Makes a parked webhook pending again. `false` if it is not parked.
    pub async fn replay(&self, event_id: &str) -> Result<bool, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let replayed = store::replay(&mut tx, event_id, self.clock.now_ms()).await?;
        tx.commit().await?;
        if replayed {
            self.arrived.notify_one();
        }
        Ok(replayed)
    }

    /// Second subscriptions that were canceled because another one was running, newest first.
    pub async fn duplicate_subscriptions(
        &self,
        most: i64,
    ) -> Result<Vec<DuplicateSubscription>, sqlx::Error> {
        duplicate_subscriptions(self.db.pool(), most).await
    }
}
