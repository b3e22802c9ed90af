//! The worker that applies webhooks: it claims the due webhooks of one customer, applies them together, and settles them.

use std::ops::AddAssign;
use std::time::Duration;

use queue::{Claim, ClaimLimits, LaneLease, MillisClock, NextRowState, QueuedRow, millis, run_steps};
use tokio_util::sync::CancellationToken;

use super::retry::{ApplyError, decide};
use super::store::{self, INBOX, PendingWebhook};
use crate::billing::Billing;

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
    pub per_lane: usize,
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

impl InboxReport {
    /// Counts a webhook that was settled.
    pub(super) const fn count(&mut self, next: &NextRowState) {
        match next {
            NextRowState::Done(_) => self.applied += 1,
            NextRowState::Retry { .. } => self.retried += 1,
            NextRowState::Park(_) => self.parked += 1,
        }
    }
}

impl AddAssign for InboxReport {
    fn add_assign(&mut self, other: Self) {
        self.applied += other.applied;
        self.events += other.events;
        self.retried += other.retried;
        self.parked += other.parked;
    }
}

/// A claim that is made in the transaction that settles the one before. An out-parameter, because a panic after the commit must
/// not lose the claim.
pub(super) struct NextClaim<'a> {
    limits: ClaimLimits,
    /// Nothing is claimed after it is cancelled.
    stop: &'a CancellationToken,
    pub(super) claim: Option<Claim<PendingWebhook>>,
}

impl<'a> NextClaim<'a> {
    pub(super) const fn new(limits: ClaimLimits, stop: &'a CancellationToken) -> Self {
        Self {
            limits,
            stop,
            claim: None,
        }
    }

    /// Claims in the caller's transaction. Call it last before the commit: the lane is then locked only briefly, and the
    /// transaction waits for no lock while it holds it. The caller commits, and then sets [`Self::claim`].
    pub(super) async fn claim_next(
        &self,
        connection: &mut db::Connection,
        engine: db::Engine,
        now_ms: i64,
    ) -> Result<Option<Claim<PendingWebhook>>, sqlx::Error> {
        if self.stop.is_cancelled() {
            return Ok(None);
        }
        INBOX
            .claim(connection, engine, self.limits, now_ms, store::read)
            .await
    }
}

/// Applies webhooks. Any number of workers may share one database, in one or more processes.
pub struct Worker {
    billing: Billing,
    settings: InboxSettings,
    clock: MillisClock,
}

impl Worker {
    /// Creates a worker that has not started.
    pub fn new(billing: Billing, settings: InboxSettings) -> Self {
        Self {
            clock: billing.clock.clone().into_millis(),
            billing,
            settings,
        }
    }

    /// Applies webhooks until `stop` is cancelled, and finishes those that it has claimed.
    pub async fn run(self, stop: CancellationToken) {
        let step = || async { Ok(self.apply_due(&stop).await?.is_some()) };
        let (arrived, poll) = (&self.billing.arrived, self.settings.poll);
        run_steps(INBOX.table, arrived, poll, &stop, step).await;
    }

    /// Applies everything that is due now. Tests call it in place of [`Self::run`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drain(&self) -> Result<InboxReport, sqlx::Error> {
        let mut total = InboxReport::default();
        while let Some(report) = self.apply_due(&CancellationToken::new()).await? {
            total += report;
        }
        Ok(total)
    }

    /// Applies the due webhooks of one lane, then those of the lanes that it claims while it settles. `None` if no lane is due.
    async fn apply_due(&self, stop: &CancellationToken) -> Result<Option<InboxReport>, sqlx::Error> {
        let Some(mut claim) = self.claim().await? else {
            return Ok(None);
        };
        let mut total = InboxReport::default();
        loop {
            self.billing.arrivals.wait_for_burst().await;
            let (report, next) = self.apply_claimed(&claim, stop).await?;
            total += report;
            match next {
                Some(next) => claim = next,
                None => return Ok(Some(total)),
            }
        }
    }

    /// Claims the due webhooks of the lane that has been due longest.
    pub(super) async fn claim(&self) -> Result<Option<Claim<PendingWebhook>>, sqlx::Error> {
        INBOX
            .claim_due(&self.billing.db, self.limits(), (self.clock)(), store::read)
            .await
    }

    pub(super) fn limits(&self) -> ClaimLimits {
        ClaimLimits {
            lanes: 1,
            rows: self.settings.per_lane,
            per_lane: self.settings.per_lane,
            lease_ms: millis(self.settings.lease),
        }
    }

    /// Applies the webhooks together. If that fails for a reason that may lie in one of them, the first one is applied
    /// alone. The next claim continues with the second one. The transaction that settles them makes the next claim, which this
    /// returns, unless the worker is to stop.
    async fn apply_claimed(
        &self,
        claim: &Claim<PendingWebhook>,
        stop: &CancellationToken,
    ) -> Result<(InboxReport, Option<Claim<PendingWebhook>>), sqlx::Error> {
        let Claim { lease, rows } = claim;
        let mut next = NextClaim::new(self.limits(), stop);
        let together = self.billing.apply(lease, rows, &mut next);
        if let Some(report) = self.attempt(lease, rows, together).await? {
            return Ok((report, next.claim));
        }
        let (first, _) = rows.split_at(1);
        let alone = self.billing.apply(lease, first, &mut next);
        let report = self.attempt(lease, first, alone).await?;
        Ok((report.unwrap_or_default(), next.claim))
    }

    /// Makes one attempt to apply the webhooks. A failure is recorded for the first one; the others of its lane wait for it.
    /// `None` if the attempt for several webhooks failed and the first one is to be applied alone; nothing is recorded then.
    pub(super) async fn attempt(
        &self,
        lease: &LaneLease,
        webhooks: &[QueuedRow<PendingWebhook>],
        work: impl Future<Output = Result<InboxReport, ApplyError>>,
    ) -> Result<Option<InboxReport>, sqlx::Error> {
        let Billing { db, .. } = &self.billing;
        let applied = INBOX
            .hold(db, &self.clock, lease, self.settings.lease, work)
            .await;
        let error = match applied {
            Ok(Ok(report)) => return Ok(Some(report)),
            Ok(Err(error)) => error,
            Err(panic) => panic.into(),
        };
        match webhooks {
            [first] => self.record_failure(lease, first, &error).await.map(Some),
            [first, ..] if error.is_stripe_outage() => {
                self.record_failure(lease, first, &error).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Schedules a retry of the webhook or parks it. Does nothing if the lease was lost; then another worker applies it.
    async fn record_failure(
        &self,
        lease: &LaneLease,
        webhook: &QueuedRow<PendingWebhook>,
        error: &ApplyError,
    ) -> Result<InboxReport, sqlx::Error> {
        let mut report = InboxReport::default();
        let (db, now_ms) = (&self.billing.db, (self.clock)());
        let next = after_failure(webhook, error, now_ms);
        let update = webhook.update(next.clone());
        let mut tx = db.write().await?;
        let lost = INBOX
            .settle(&mut tx, db.engine(), lease, &[update], now_ms)
            .await?;
        tx.commit().await?;
        if lost == 0 {
            report.count(&next);
            self.billing.observer.attempted(&webhook.job, &next, now_ms);
        }
        Ok(report)
    }
}

/// The next state of a webhook whose attempt failed. Logs the failure.
pub(super) fn after_failure(
    webhook: &QueuedRow<PendingWebhook>,
    error: &ApplyError,
    now_ms: i64,
) -> NextRowState {
    let next = decide(webhook, error, now_ms, fastrand::f64());
    let (event, kind) = (&webhook.job.event_id, &webhook.job.event_type);
    let (attempts, error) = (webhook.attempts, error as &dyn std::error::Error);
    if let NextRowState::Park(_) = next {
        tracing::error!(
            stripe.event = event,
            stripe.event_type = kind,
            attempts,
            error,
            "a webhook was parked; an operator can replay it"
        );
    } else {
        tracing::warn!(
            stripe.event = event,
            stripe.event_type = kind,
            attempts,
            error,
            "cannot apply a webhook; will retry"
        );
    }
    next
}
