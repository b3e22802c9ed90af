//! The worker that applies webhooks: it acquires the lease of a customer's lane, applies the due webhooks together, and
//! releases the lease.

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
    /// The most webhooks of one customer to apply together.
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
        let Some((lane, webhooks)) = self.claim_due_lane().await? else {
            return Ok(None);
        };
        let lease = self.lease(&lane);
        let report = self.apply_claimed(lease, &webhooks, stop).await;
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

    /// Acquires the lease of a lane and counts an attempt of each due webhook, so that a crash does not lose the count.
    async fn claim_due_lane(&self) -> Result<Option<(String, Vec<PendingWebhook>)>, sqlx::Error> {
        let Billing { db, clock, .. } = &self.billing;
        let now_ms = clock.now_ms();
        let mut lanes = store::due_lanes(db.pool(), now_ms, CANDIDATES).await?;
        fastrand::shuffle(&mut lanes);
        for lane in lanes {
            let now_ms = clock.now_ms();
            let mut tx = db.write().await?;
            if !store::acquire(&mut tx, self.lease(&lane), now_ms, self.lease_end(now_ms)).await? {
                continue;
            }
            let webhooks = store::claim(&mut tx, &lane, now_ms, self.settings.per_lane).await?;
            // Another worker may have applied them since the lane was read. Then the lease is not kept either.
            if !webhooks.is_empty() {
                tx.commit().await?;
                return Ok(Some((lane, webhooks)));
            }
        }
        Ok(None)
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

    /// Applies the webhooks together. If that fails for a reason that may lie in one of them, they are applied one by one, so
    /// that only that one is delayed or parked.
    async fn apply_claimed(
        &self,
        lease: Lease<'_>,
        webhooks: &[PendingWebhook],
        stop: &CancellationToken,
    ) -> Result<InboxReport, sqlx::Error> {
        let together = self.billing.apply(lease, webhooks);
        if let Some(report) = self.attempt(lease, webhooks, together).await? {
            return Ok(report);
        }
        let mut report = InboxReport::default();
        for webhook in webhooks.chunks(1) {
            if stop.is_cancelled() {
                break;
            }
            let alone = self.billing.apply(lease, webhook);
            report += self.attempt(lease, webhook, alone).await?.unwrap_or_default();
        }
        Ok(report)
    }

    /// Makes one attempt to apply the webhooks. `None` if the attempt for several webhooks failed and they are to be applied
    /// one by one; nothing is recorded then.
    pub(super) async fn attempt(
        &self,
        lease: Lease<'_>,
        webhooks: &[PendingWebhook],
        work: impl Future<Output = Result<ApplyOutcome, ApplyError>>,
    ) -> Result<Option<InboxReport>, sqlx::Error> {
        // Both run concurrently, because each may hold a connection that the other waits for.
        let applied = tokio::select! {
            applied = catch_panic(work) => applied,
            never = self.renew_repeatedly(lease) => match never {},
        };
        match applied {
            Ok(Ok(ApplyOutcome::Settled(report))) => Ok(Some(report)),
            Ok(Ok(ApplyOutcome::LeaseLost)) => {
                tracing::warn!(
                    lane = lease.lane,
                    "the lease expired; another worker applies the webhooks"
                );
                Ok(Some(InboxReport::default()))
            }
            Ok(Err(error)) if webhooks.len() == 1 || error.is_stripe_outage() => {
                self.record_failure(lease, webhooks, &error).await.map(Some)
            }
            Err(panic) if webhooks.len() == 1 => self
                .record_failure(lease, webhooks, &panic.into())
                .await
                .map(Some),
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }

    /// Schedules a retry of the webhooks or parks them. Does nothing if the lease was lost; then another worker applies
    /// them.
    async fn record_failure(
        &self,
        lease: Lease<'_>,
        webhooks: &[PendingWebhook],
        error: &ApplyError,
    ) -> Result<InboxReport, sqlx::Error> {
        let mut report = InboxReport::default();
        let now_ms = self.billing.clock.now_ms();
        let mut tx = self.billing.db.write().await?;
        if !store::verify(&mut tx, lease, now_ms).await? {
            return Ok(report);
        }
        for webhook in webhooks {
            match settle_failure(&mut tx, webhook, error, now_ms).await? {
                RetryDecision::Retry { .. } => report.retried += 1,
                RetryDecision::Park => report.parked += 1,
            }
        }
        tx.commit().await?;
        Ok(report)
    }
}

/// Schedules a retry of a failed webhook, or parks it.
pub(super) async fn settle_failure(
    connection: &mut db::Connection,
    webhook: &PendingWebhook,
    error: &ApplyError,
    now_ms: i64,
) -> Result<RetryDecision, sqlx::Error> {
    let panics = webhook.panics + i64::from(matches!(error, ApplyError::Panicked(_)));
    let decision = decide(webhook.attempts, panics, error, now_ms, fastrand::f64());
    match decision {
        RetryDecision::Retry { at_ms } => {
            tracing::warn!(
                stripe.event = webhook.event_id,
                stripe.event_type = webhook.event_type,
                attempts = webhook.attempts,
                error = error as &dyn std::error::Error,
                "cannot apply a webhook; will retry"
            );
            store::retry(connection, &webhook.event_id, at_ms, panics, &error.to_string()).await?;
        }
        RetryDecision::Park => {
            tracing::error!(
                stripe.event = webhook.event_id,
                stripe.event_type = webhook.event_type,
                error = error as &dyn std::error::Error,
                "a webhook was parked; an operator can replay it"
            );
            store::park(connection, &webhook.event_id, &error.to_string(), now_ms).await?;
        }
    }
    Ok(decision)
}
