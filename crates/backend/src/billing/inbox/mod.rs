//! Stripe's webhooks, from the door to their effect.
//!
//! At the door a webhook is checked, stored as it came, and answered. A worker applies it afterwards: one customer's
//! webhooks one at a time, under a lease, on any number of servers. It asks Stripe how things stand *before* the
//! transaction; in it are the mapping's events, our records, and that the webhook has been applied. A crash anywhere in
//! between costs a lease's time: the webhook is applied again, and its events have the same insert IDs.

mod apply;
mod gather;
mod retry;
mod signature;
mod store;
mod worker;

pub use retry::Trouble;
pub use signature::BadWebhook;
pub use store::{Counts, InboxRow, InboxState};
pub use worker::{Settings, Worked, Worker};

use serde_json::Value;

use super::Billing;
use super::mapping::subject;
use super::payload::StripeEvent;
use super::store::{Known, TurnedAway, turned_away};
use store::Arrived;

/// What became of a webhook at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Stored, to be applied.
    New,
    /// Stored, and there is nothing to do about it.
    OfNoConcern,
    /// It has come before.
    Again,
}

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotReceived {
    /// It is none; nothing was changed.
    #[error(transparent)]
    Bad(#[from] BadWebhook),
    /// We are at fault, and Stripe should send it again.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Billing {
    /// Takes a webhook: raw bytes and the header `Stripe-Signature`. When this returns, it is stored; it is applied by
    /// a [`Worker`].
    pub async fn receive(&self, body: &[u8], signature: &str) -> Result<Received, NotReceived> {
        let now_ms = self.clock.now_ms();
        let payload = signature::verify(body, signature, &self.webhook_secrets, now_ms)?;
        let json: Value = serde_json::from_str(payload).map_err(|_| BadWebhook::NoEvent)?;
        let event = StripeEvent::read(&json).map_err(|_| BadWebhook::NoEvent)?;
        // One that cannot be read is a worker's to park, where it can be seen.
        let concerns_us = !matches!(subject(&event), Ok(None));
        let is_of_nobody = match event.customer() {
            Some(customer) if !concerns_us => {
                super::store::customer(self.db.pool(), customer).await? == Some(Known::Deleted)
            }
            _ => false,
        };
        let lane = event
            .customer()
            .map_or_else(|| format!("event:{}", event.id), str::to_owned);
        let mut tx = self.db.write().await?;
        let new = store::insert(
            &mut tx,
            &Arrived {
                event_id: &event.id,
                lane: &lane,
                event_type: &event.kind,
                // That an account's customer was deleted is a webhook too, and tells whose it was.
                payload: (!is_of_nobody).then_some(payload),
                now_ms,
                pending: concerns_us,
            },
        )
        .await?;
        tx.commit().await?;
        if new && concerns_us {
            self.arrived.notify_one();
        }
        Ok(match (new, concerns_us) {
            (false, _) => Received::Again,
            (true, true) => Received::New,
            (true, false) => Received::OfNoConcern,
        })
    }

    /// The newest webhooks, or those in one state, for operations.
    pub async fn inbox(&self, state: Option<InboxState>, most: i64) -> Result<Vec<InboxRow>, sqlx::Error> {
        store::newest(self.db.pool(), state, most).await
    }

    /// How many webhooks are in which state, and since when the oldest waits.
    pub async fn inbox_counts(&self) -> Result<Counts, sqlx::Error> {
        store::counts(self.db.pool()).await
    }

    /// Tries a parked webhook anew. `false`: it is not parked.
    pub async fn replay(&self, event_id: &str) -> Result<bool, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let replayed = store::replay(&mut tx, event_id, self.clock.now_ms()).await?;
        tx.commit().await?;
        if replayed {
            self.arrived.notify_one();
        }
        Ok(replayed)
    }

    /// Second subscriptions that were ended because another one ran, the latest first.
    pub async fn turned_away(&self, most: i64) -> Result<Vec<TurnedAway>, sqlx::Error> {
        turned_away(self.db.pool(), most).await
    }

    /// Drops payloads of webhooks that were applied longer ago than `keep_days`.
    pub async fn prune(&self, keep_days: u32) -> Result<u64, sqlx::Error> {
        const DAY_MS: i64 = 86_400_000;
        let before_ms = self.clock.now_ms() - i64::from(keep_days) * DAY_MS;
        store::prune(self.db.pool(), before_ms).await
    }
}
