//! The worker that applies webhooks: it acquires the lease of a customer's lane, applies the due webhooks, and releases
//! the lease.

use std::convert::Infallible;
use std::ops::AddAssign;
use std::time::Duration;

use outbox::catch_panic;
use tokio_util::sync::CancellationToken;

use super::apply::ApplyOutcome;
use super::retry::{ApplyError, RetryDecision, decide};
use super::store::{self, Lease, PendingWebhook};
use crate::billing::Billing;
use crate::ids;

/// Settings of a worker.
#[derive(Clone, Copy, Debug)]
pub struct InboxSettings {
    /// Duration of a lease. A worker renews it every third of this time. After a crash the lane's webhooks wait until
    /// the lease expires.
    pub lease: Duration,
    /// How often the worker checks for due webhooks without being woken: for webhooks stored by other servers, and for
    /// retries.
    pub poll: Duration,
    /// The most webhooks of one customer to apply before the lane is released.
    pub per_lane: i64,
}

impl Default for InboxSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            per_lane: 50,
        }
    }
}

/// What a worker has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxReport {
    /// Applied webhooks.
    pub applied: usize,
    /// New events in the outbox.
    pub events: usize,
    /// Webhooks that will be retried.
    pub retried: usize,
    /// Parked webhooks.
    pub parked: usize,
}

impl AddAssign for InboxReport {
    fn add_assign(&mut self, other: Self) {
        self.applied += other.applied;
        self.events += other.events;
        self.retried += other.retried;
        self.parked += other.parked;
    }
}

/// Due lanes to try in random order, so that workers do not compete for the same one.
const CANDIDATES: i64 = 16;

/// Applies webhooks. Any number of workers may share one database, in one or more processes.
pub struct Worker {
    billing: Billing,
    settings: InboxSettings,
    /// The owner of this worker's leases.
    pub(super) owner: String,
}

impl Worker {
    /// Creates a worker that has not started.
    pub fn new(billing: Billing, settings: InboxSettings) -> Self {
        Self {
            billing,
            settings,
            owner: ids::random().to_string(),
        }
    }

    /// Applies webhooks until `stop` is cancelled, and finishes the current webhook.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.work_once(&stop).await {
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "cannot read the webhook inbox; will retry"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.billing.arrived.notified() => {}
                () = tokio::time::sleep(self.settings.poll) => {}
            }
        }
    }

    /// Applies everything that is due now. Tests call it in place of [`Self::run`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drain(&self) -> Result<InboxReport, sqlx::Error> {
        let never = CancellationToken::new();
        let mut total = InboxReport::default();
        while let Some(report) = self.work_once(&never).await? {
            total += report;
        }
        Ok(total)
    }

    /// Applies the due webhooks of one lane. `None` if no lane is due.
    async fn work_once(&self, stop: &CancellationToken) -> Result<Option<InboxReport>, sqlx::Error> {
        let Some(lane) = self.acquire_due_lane().await? else {
            return Ok(None);
        };
        let lease = self.lease(&lane);
        let report = self.apply_due(lease, stop).await;
        let mut tx = self.billing.db.write().await?;
        store::release(&mut tx, lease).await?;
        tx.commit().await?;
        report.map(Some)
    }

    fn lease<'a>(&'a self, lane: &'a str) -> Lease<'a> {
        Lease {
            lane,
            owner: &self.owner,
        }
    }

    async fn acquire_due_lane(&self) -> Result<Option<String>, sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let mut lanes = store::due_lanes(self.billing.db.pool(), now_ms, CANDIDATES).await?;
        fastrand::shuffle(&mut lanes);
        for lane in lanes {
            if self.acquire(self.lease(&lane)).await? {
                return Ok(Some(lane));
            }
        }
        Ok(None)
    }

    /// Acquires the lane's lease, or renews it if this worker owns it. `false` if another worker owns it.
    async fn acquire(&self, lease: Lease<'_>) -> Result<bool, sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let mut tx = self.billing.db.write().await?;
        let ours = store::acquire(&mut tx, lease, now_ms, self.lease_end(now_ms)).await?;
        tx.commit().await?;
        Ok(ours)
    }

    /// Renews the lease periodically. An expired lease is not renewed, because another worker may have used the lane
    /// since.
    async fn renew_repeatedly(&self, lease: Lease<'_>) -> Infallible {
        loop {
            tokio::time::sleep(self.settings.lease / 3).await;
            if let Err(error) = self.renew(lease).await {
                tracing::warn!(%error, "cannot renew a lease");
            }
        }
    }

    async fn renew(&self, lease: Lease<'_>) -> Result<(), sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let mut tx = self.billing.db.write().await?;
        store::renew(&mut tx, lease, now_ms, self.lease_end(now_ms)).await?;
        tx.commit().await
    }

    fn lease_end(&self, now_ms: i64) -> i64 {
        let lease_ms = i64::try_from(self.settings.lease.as_millis()).unwrap_or(i64::MAX);
        now_ms.saturating_add(lease_ms)
    }

    /// Acquires or renews the lease and counts the attempt. `false` if another worker owns the lane.
    async fn begin_attempt(&self, lease: Lease<'_>, webhook: &PendingWebhook) -> Result<bool, sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let mut tx = self.billing.db.write().await?;
        let ours = store::acquire(&mut tx, lease, now_ms, self.lease_end(now_ms)).await?;
        if ours {
            store::count_attempt(&mut tx, &webhook.event_id).await?;
        }
        tx.commit().await?;
        Ok(ours)
    }

    async fn apply_due(
        &self,
        lease: Lease<'_>,
        stop: &CancellationToken,
    ) -> Result<InboxReport, sqlx::Error> {
        let mut report = InboxReport::default();
        let now_ms = self.billing.clock.now_ms();
        let due = store::due(self.billing.db.pool(), lease.lane, now_ms, self.settings.per_lane).await?;
        for webhook in &due {
            if stop.is_cancelled() {
                break;
            }
            let work = self.billing.apply(lease, webhook);
            match self.attempt(lease, webhook, work).await? {
                Some(done) => report += done,
                None => break,
            }
        }
        Ok(report)
    }

    /// Makes one attempt to apply the webhook. `None` if another worker has the lane now and handles the webhook.
    pub(super) async fn attempt(
        &self,
        lease: Lease<'_>,
        webhook: &PendingWebhook,
        work: impl Future<Output = Result<ApplyOutcome, ApplyError>>,
    ) -> Result<Option<InboxReport>, sqlx::Error> {
        if !self.begin_attempt(lease, webhook).await? {
            return Ok(None);
        }
        // Both run concurrently, because each may hold a connection that the other waits for.
        let applied = tokio::select! {
            applied = catch_panic(work) => applied.unwrap_or_else(|panic| Err(panic.into())),
            never = self.renew_repeatedly(lease) => match never {},
        };
        let mut report = InboxReport::default();
        match applied {
            Ok(ApplyOutcome::Events(events)) => {
                report.applied = 1;
                report.events = events;
            }
            Ok(ApplyOutcome::Moved) => {}
            Ok(ApplyOutcome::LeaseLost) => {
                tracing::warn!(
                    stripe.event = webhook.event_id,
                    "the lease expired; another worker handles the webhook"
                );
                return Ok(None);
            }
            Err(error) => match self.record_failure(lease, webhook, &error).await? {
                Some(RetryDecision::Retry { .. }) => report.retried = 1,
                Some(RetryDecision::Park) => report.parked = 1,
                None => return Ok(None),
            },
        }
        Ok(Some(report))
    }

    /// Schedules a retry or parks the webhook. `None` if the lease was lost; then another worker handles the webhook.
    async fn record_failure(
        &self,
        lease: Lease<'_>,
        webhook: &PendingWebhook,
        error: &ApplyError,
    ) -> Result<Option<RetryDecision>, sqlx::Error> {
        let now_ms = self.billing.clock.now_ms();
        let panics = webhook.panics + i64::from(matches!(error, ApplyError::Panicked(_)));
        let decision = decide(webhook.attempts, panics, error, now_ms, fastrand::f64());
        let mut tx = self.billing.db.write().await?;
        if !store::verify(&mut tx, lease, now_ms).await? {
            return Ok(None);
        }
        match decision {
            RetryDecision::Retry { at_ms } => {
                tracing::warn!(
                    stripe.event = webhook.event_id,
                    stripe.event_type = webhook.event_type,
                    attempts = webhook.attempts,
                    error = error as &dyn std::error::Error,
                    "cannot apply a webhook; will retry"
                );
                store::retry(&mut tx, &webhook.event_id, at_ms, panics, &error.to_string()).await?;
            }
            RetryDecision::Park => {
                tracing::error!(
                    stripe.event = webhook.event_id,
                    stripe.event_type = webhook.event_type,
                    error = error as &dyn std::error::Error,
                    "a webhook was parked; an operator can replay it"
                );
                store::park(&mut tx, &webhook.event_id, &error.to_string(), now_ms).await?;
            }
        }
        tx.commit().await?;
        Ok(Some(decision))
    }
}
