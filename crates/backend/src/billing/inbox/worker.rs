//! The loop that applies webhooks: take a customer's lane, apply what is due in it, give it back.

use std::convert::Infallible;
use std::ops::AddAssign;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::apply::Applied;
use super::retry::{Next, Trouble, next};
use super::store::{self, Lease, Pending};
use crate::billing::Billing;
use crate::ids;

/// How workers work.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a lane is ours without a sign of life, and so how long the webhooks of a crash in mid-work wait. Whoever
    /// works gives one every third of it, however long Stripe takes.
    pub lease: Duration,
    /// How often they look without being called: for what another server stored, and for what waits.
    pub poll: Duration,
    /// Webhooks of one customer that are applied before the lane is given back.
    pub per_lane: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            per_lane: 50,
        }
    }
}

/// What a worker got done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// Webhooks that were applied.
    pub applied: usize,
    /// New events in the outbox.
    pub events: usize,
    /// Webhooks that will be tried again.
    pub retried: usize,
    /// Webhooks that were set aside.
    pub parked: usize,
}

impl AddAssign for Worked {
    fn add_assign(&mut self, other: Self) {
        self.applied += other.applied;
        self.events += other.events;
        self.retried += other.retried;
        self.parked += other.parked;
    }
}

/// Lanes that are looked at before giving up to the others: each worker starts at another one.
const CANDIDATES: i64 = 16;

/// Applies webhooks. Any number of them may work on one database, in one process or in many.
pub struct Worker {
    billing: Billing,
    settings: Settings,
    /// Names our leases.
    owner: String,
}

impl Worker {
    /// A worker that has not started.
    pub fn new(billing: Billing, settings: Settings) -> Self {
        Self {
            billing,
            settings,
            owner: ids::random().to_string(),
        }
    }

    /// Works until `stop`; then it ends after the webhook in hand.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.work_once(&stop).await {
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the webhook inbox cannot be read; trying again"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.billing.arrived.notified() => {}
                () = tokio::time::sleep(self.settings.poll) => {}
            }
        }
    }

    /// Applies everything that is due by the clock now. What a test calls in place of [`Self::run`].
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn drain(&self) -> Result<Worked, sqlx::Error> {
        let never = CancellationToken::new();
        let mut total = Worked::default();
        while let Some(worked) = self.work_once(&never).await? {
            total += worked;
        }
        Ok(total)
    }

    /// One lane; `None`: there is nothing to do.
    async fn work_once(&self, stop: &CancellationToken) -> Result<Option<Worked>, sqlx::Error> {
        let Some(lane) = self.claim().await? else {
            return Ok(None);
        };
        let lease = self.lease(&lane);
        let worked = self.work_in(lease, stop).await;
        let mut tx = self.billing.db.write().await?;
        store::leave(&mut tx, lease).await?;
        tx.commit().await?;
        worked.map(Some)
    }

    fn lease<'a>(&'a self, lane: &'a str) -> Lease<'a> {
        Lease {
            lane,
            owner: &self.owner,
        }
    }

    async fn claim(&self) -> Result<Option<String>, sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let mut lanes = store::due_lanes(self.billing.db.pool(), now_ms, CANDIDATES).await?;
        fastrand::shuffle(&mut lanes);
        for lane in lanes {
            if self.keep(self.lease(&lane)).await? {
                return Ok(Some(lane));
            }
        }
        Ok(None)
    }

    /// Takes the lane, or makes its lease begin anew.
    async fn keep(&self, lease: Lease<'_>) -> Result<bool, sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let mut tx = self.billing.db.write().await?;
        let ours = store::take(&mut tx, lease, now_ms, self.lease_end(now_ms)).await?;
        tx.commit().await?;
        Ok(ours)
    }

    /// Makes the lease begin anew again and again, as long as it is ours. One that ran out stays lost: somebody else may
    /// have been at the lane since.
    async fn stay_alive(&self, lease: Lease<'_>) -> Infallible {
        loop {
            tokio::time::sleep(self.settings.lease / 3).await;
            if let Err(error) = self.prolong(lease).await {
                tracing::warn!(%error, "a lease could not be made longer");
            }
        }
    }

    async fn prolong(&self, lease: Lease<'_>) -> Result<(), sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let mut tx = self.billing.db.write().await?;
        store::prolong(&mut tx, lease, now_ms, self.lease_end(now_ms)).await?;
        tx.commit().await
    }

    fn lease_end(&self, now_ms: i64) -> i64 {
        let lease_ms = i64::try_from(self.settings.lease.as_millis()).unwrap_or(i64::MAX);
        now_ms.saturating_add(lease_ms)
    }

    async fn work_in(&self, lease: Lease<'_>, stop: &CancellationToken) -> Result<Worked, sqlx::Error> {
        let mut worked = Worked::default();
        let now_ms = self.billing.clock.now_ms();
        let due = store::due(self.billing.db.pool(), lease.lane, now_ms, self.settings.per_lane).await?;
        for (position, webhook) in due.iter().enumerate() {
            // The claim's lease is young enough for the first.
            if stop.is_cancelled() || (position > 0 && !self.keep(lease).await?) {
                break;
            }
            // Side by side, since either may hold what the other waits for.
            let applied = tokio::select! {
                applied = self.billing.apply(lease, webhook) => applied,
                never = self.stay_alive(lease) => match never {},
            };
            match applied {
                Ok(Applied::Events(events)) => {
                    worked.applied += 1;
                    worked.events += events;
                }
                Ok(Applied::Moved) => {}
                Ok(Applied::LeaseLost) => {
                    tracing::warn!(
                        stripe.event = webhook.event_id,
                        "the lease ran out; somebody else goes on"
                    );
                    break;
                }
                Err(trouble) => match self.put_off(lease, webhook, &trouble).await? {
                    Some(Next::Retry { .. }) => worked.retried += 1,
                    Some(Next::Park) => worked.parked += 1,
                    None => break,
                },
            }
        }
        Ok(worked)
    }

    /// `None`: it is somebody else's by now, and so is what becomes of it.
    async fn put_off(
        &self,
        lease: Lease<'_>,
        webhook: &Pending,
        trouble: &Trouble,
    ) -> Result<Option<Next>, sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let next = next(webhook.attempts, trouble, now_ms, fastrand::f64());
        let mut tx = self.billing.db.write().await?;
        if !store::hold(&mut tx, lease, now_ms).await? {
            return Ok(None);
        }
        match next {
            Next::Retry { at_ms } => {
                tracing::warn!(
                    stripe.event = webhook.event_id,
                    stripe.event_type = webhook.event_type,
                    attempts = webhook.attempts,
                    error = trouble as &dyn std::error::Error,
                    "a webhook could not be applied; it will be tried again"
                );
                store::retry(&mut tx, &webhook.event_id, at_ms, &trouble.to_string()).await?;
            }
            Next::Park => {
                tracing::error!(
                    stripe.event = webhook.event_id,
                    stripe.event_type = webhook.event_type,
                    error = trouble as &dyn std::error::Error,
                    "a webhook was parked; operations can replay it"
                );
                store::park(&mut tx, &webhook.event_id, &trouble.to_string(), now_ms).await?;
            }
        }
        tx.commit().await?;
        Ok(Some(next))
    }
}
