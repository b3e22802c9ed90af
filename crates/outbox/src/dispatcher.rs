//! Claims due rows, delivers them, and settles them, in a loop.
//!
//! No transaction is open during a delivery. After a crash the rows stay leased. When the lease ends, any dispatcher
//! sends the same bytes with the same insert ID again.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use db::{Connection, Db};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use queue::{Claim, ClaimLimits, LaneLease, NextRowState, QueuedRow, millis};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::report::DispatchReport;
use crate::retry::{DeliveryAttempt, dedup_window_passed, next_state};
use crate::store::{OUTBOX, prune, read_event};
use crate::{
    Condition, DeliveryFailure, DeliveryOutcome, DispatcherSettings, FailureKind, Health, MillisClock,
    OutboundEvent, PANICKED, ParkReason, Sink, Wakeup, catch_panic,
};

/// Rows per claim. Amplitude accepts less than 2000 events per request.
const MAX_BATCH: usize = 1_000;
const PRUNE_EVERY_MS: i64 = 60 * 60_000;

/// Sends the rows of the outbox. Any number of dispatchers may share one database, in one process or in many.
pub struct Dispatcher {
    db: Db,
    sink: Arc<dyn Sink>,
    clock: MillisClock,
    settings: DispatcherSettings,
    wakeup: Wakeup,
    health: watch::Sender<Health>,
    observer: DeliveryObserver,
}

/// Is called after each attempt with the event and the row's next state, for counts.
type DeliveryObserver = Arc<dyn Fn(&OutboundEvent, &NextRowState) + Send + Sync>;

/// A delivered batch that is not settled yet.
struct Delivery {
    lease: LaneLease,
    rows: Vec<QueuedRow<()>>,
    events: Vec<OutboundEvent>,
    /// One outcome per row.
    outcomes: Vec<DeliveryOutcome>,
    sent_at_ms: i64,
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// Creates a dispatcher; [`Self::run`] starts it. A lease that is too short for the sink's longest delivery is
    /// raised, with a warning.
    pub fn new(db: Db, sink: Arc<dyn Sink>, clock: MillisClock, settings: DispatcherSettings) -> Self {
        let settings = settings.with_lease_above(sink.longest_delivery());
        Self {
            db,
            sink,
            clock,
            settings,
            wakeup: Wakeup::new(),
            health: watch::Sender::default(),
            observer: Arc::new(|_, _| {}),
        }
    }

    /// Calls `observer` after each attempt whose result was written, with the event and the row's next state. If a lease was
    /// lost, it is called for rows that another dispatcher settles too.
    #[must_use]
    pub fn observed_by(
        mut self,
        observer: impl Fn(&OutboundEvent, &NextRowState) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Returns a dispatcher that replaces this one on the same outbox. It shares the wake-up and the health, but not
    /// the leases, as after a crash.
    pub fn restarted(&self) -> Self {
        Self {
            db: self.db.clone(),
            sink: Arc::clone(&self.sink),
            clock: Arc::clone(&self.clock),
            settings: self.settings.clone(),
            wakeup: self.wakeup.clone(),
            health: self.health.clone(),
            observer: Arc::clone(&self.observer),
        }
    }

    /// The wake-up to call after a commit.
    pub fn wakeup(&self) -> Wakeup {
        self.wakeup.clone()
    }

    /// The state of delivery, and its changes.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Runs until `shutdown`, then finishes the batches in flight, which takes at most the sink's longest delivery.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut in_flight = FuturesUnordered::new();
        let mut prune_at_ms = 0;
        let mut may_be_due = true;
        // When to claim. `None`: at the next poll.
        let mut linger_until: Option<Instant> = None;
        while !(shutdown.is_cancelled() && in_flight.is_empty()) {
            let may_claim = |batches: usize| !shutdown.is_cancelled() && batches < self.max_in_flight();
            while may_be_due && may_claim(in_flight.len()) {
                let claim = self.claim_logged().await;
                // Rows behind a batch that is not full are in lanes that are leased now.
                may_be_due = claim
                    .as_ref()
                    .is_some_and(|claim| claim.rows.len() >= self.batch());
                in_flight.extend(claim.map(|claim| self.deliver(claim)));
            }
            let now_ms = (self.clock)();
            if now_ms >= prune_at_ms {
                prune_at_ms = now_ms.saturating_add(PRUNE_EVERY_MS);
                self.prune(now_ms).await;
            }
            let is_stopping = shutdown.is_cancelled();
            let poll = self.next_wait(now_ms);
            let wait = linger_until.map_or(poll, |at| poll.min(at.saturating_duration_since(Instant::now())));
            tokio::select! {
                Some(delivery) = in_flight.next() => {
                    let is_full = delivery.rows.len() >= self.batch();
                    let refill = (is_full || may_be_due) && may_claim(in_flight.len());
                    match self.settle(&delivery, refill).await {
                        Ok((report, _)) if !report.made_progress() => may_be_due = false,
                        Ok((_, next)) if refill => {
                            may_be_due = next.is_some();
                            in_flight.extend(next.map(|claim| self.deliver(claim)));
                        }
                        // The same users may have more rows.
                        Ok(_) => {
                            may_be_due |= is_full;
                            linger_until = linger_until.or_else(|| self.linger_until());
                        }
                        Err(error) => tracing::error!(%error, "cannot settle a batch; its rows wait for the end of the lease"),
                    }
                }
                () = shutdown.cancelled(), if !is_stopping => {}
                () = self.wakeup.wait(), if !is_stopping && linger_until.is_none() => {
                    linger_until = self.linger_until();
                }
                () = sleep(wait), if !is_stopping => {
                    // The claim finds what the wake-ups until now are about.
                    let _ = self.wakeup.wait().now_or_never();
                    (linger_until, may_be_due) = (None, true);
                }
            }
        }
    }

    fn linger_until(&self) -> Option<Instant> {
        Instant::now().checked_add(self.settings.linger)
    }

    /// Sends all rows that are due now, batch after batch, until no due rows remain or the dispatcher pauses. Tests
    /// call it instead of [`Self::run`].
    ///
    /// # Errors
    /// When the database fails. Rows that were already claimed are retried when their lease ends.
    pub async fn drain(&self) -> Result<DispatchReport, sqlx::Error> {
        let mut total = DispatchReport::default();
        loop {
            let report = self.run_due_once().await?;
            total += report;
            if !report.made_progress() {
                return Ok(total);
            }
        }
    }

    /// Claims, delivers and settles one batch. Does nothing while the dispatcher pauses.
    ///
    /// # Errors
    /// The same as [`Self::drain`].
    pub async fn run_due_once(&self) -> Result<DispatchReport, sqlx::Error> {
        let Some(claim) = self.claim().await? else {
            return Ok(DispatchReport::default());
        };
        let delivery = self.deliver(claim).await;
        let (report, _) = self.settle(&delivery, false).await?;
        Ok(report)
    }

    fn batch(&self) -> usize {
        self.settings.batch.clamp(1, MAX_BATCH)
    }

    /// Batches to deliver at the same time. A receiver that fails gets one, to find out whether it has recovered.
    fn max_in_flight(&self) -> usize {
        match self.health.borrow().condition {
            Condition::Healthy => self.settings.in_flight.max(1),
            Condition::Failing | Condition::Refused | Condition::Misconfigured => 1,
        }
    }

    /// Claims a batch; `None` if no row is due, the dispatcher pauses, or the database fails.
    async fn claim_logged(&self) -> Option<Claim<OutboundEvent>> {
        match self.claim().await {
            Ok(claim) => claim,
            Err(error) => {
                tracing::error!(%error, "cannot read the outbox; retrying");
                None
            }
        }
    }

    /// Claims a batch; `None` if no row is due or the dispatcher pauses.
    async fn claim(&self) -> Result<Option<Claim<OutboundEvent>>, sqlx::Error> {
        let now_ms = (self.clock)();
        if self.health.borrow().is_paused(now_ms) || !OUTBOX.is_due(&self.db, now_ms).await? {
            return Ok(None);
        }
        let mut tx = self.db.write().await?;
        let claim = self.claim_in(&mut tx, now_ms).await?;
        tx.commit().await?;
        Ok(claim)
    }

    async fn claim_in(
        &self,
        connection: &mut Connection,
        now_ms: i64,
    ) -> Result<Option<Claim<OutboundEvent>>, sqlx::Error> {
        let limits = ClaimLimits {
            lanes: self.batch(),
            rows: self.batch(),
            per_lane: self.settings.per_user,
            lease_ms: millis(self.settings.lease),
        };
        OUTBOX
            .claim(connection, self.db.engine(), limits, now_ms, read_event)
            .await
    }

    /// Delivers a batch. Rows past the deduplication window are parked without an attempt. A row whose earlier attempt
    /// panicked is sent alone, so that it takes no other row with it.
    async fn deliver(&self, claim: Claim<OutboundEvent>) -> Delivery {
        let Claim { lease, rows } = claim;
        let (rows, events): (Vec<_>, Vec<_>) = rows.into_iter().map(QueuedRow::take_job).unzip();
        let sent_at_ms = (self.clock)();
        let outcomes = if sent_at_ms.saturating_add(millis(self.sink.longest_delivery())) > lease.until_ms {
            tracing::warn!("the lease ends before the delivery could finish; the rows are claimed again");
            vec![DeliveryOutcome::Held; rows.len()]
        } else {
            // They end with the attempt.
            let _spans = traced_deliveries(&rows, &events);
            self.attempt(&rows, &events, sent_at_ms).await
        };
        Delivery {
            lease,
            rows,
            events,
            outcomes,
            sent_at_ms,
        }
    }

    /// Returns one outcome per row.
    async fn attempt(
        &self,
        rows: &[QueuedRow<()>],
        events: &[OutboundEvent],
        sent_at_ms: i64,
    ) -> Vec<DeliveryOutcome> {
        let is_past_window = |row: &QueuedRow<()>| {
            dedup_window_passed(&self.settings.policy, row.first_unknown_ms, sent_at_ms)
        };
        let attempted = attempted_rows(rows);
        let failures_before = self.health.borrow().failures;
        let batch: Cow<'_, [OutboundEvent]> = if rows[..attempted].iter().any(is_past_window) {
            let sendable = rows[..attempted].iter().zip(events);
            sendable
                .filter(|(row, _)| !is_past_window(row))
                .map(|(_, event)| event.clone())
                .collect()
        } else {
            Cow::Borrowed(&events[..attempted])
        };
        let outcomes = if batch.is_empty() {
            Vec::new()
        } else {
            catch_panic(self.sink.deliver(&batch, sent_at_ms))
                .await
                .unwrap_or_else(|_| vec![panicked(); batch.len()])
        };
        self.update_health(&outcomes, failures_before);
        let mut outcomes = outcomes.into_iter();
        let missing = || DeliveryFailure::new(FailureKind::Unknown, "the sink returned no outcome");
        rows.iter()
            .enumerate()
            .map(|(index, row)| {
                if index >= attempted {
                    return DeliveryOutcome::Held;
                }
                if is_past_window(row) {
                    return DeliveryOutcome::Park(ParkReason::DedupWindowPassed);
                }
                outcomes
                    .next()
                    .unwrap_or_else(|| DeliveryOutcome::Retry(missing()))
            })
            .collect()
    }

    /// Settles a batch, with one retry if the database fails. Rows that cannot be settled are sent again when their lease
    /// ends. With `refill`, the same transaction claims the next batch, unless the dispatcher pauses.
    async fn settle(
        &self,
        delivery: &Delivery,
        refill: bool,
    ) -> Result<(DispatchReport, Option<Claim<OutboundEvent>>), sqlx::Error> {
        let now_ms = (self.clock)();
        let mut report = DispatchReport {
            claimed: delivery.rows.len(),
            ..DispatchReport::default()
        };
        let rows = delivery.rows.iter().zip(&delivery.events).zip(&delivery.outcomes);
        let mut updates = Vec::with_capacity(delivery.rows.len());
        let mut observed = Vec::with_capacity(delivery.rows.len());
        for ((row, event), outcome) in rows {
            let attempt = DeliveryAttempt {
                attempts: row.attempts,
                panics: row.panics,
                first_unknown_ms: row.first_unknown_ms,
                started_ms: delivery.sent_at_ms,
                now_ms,
                jitter: (self.settings.jitter)(),
            };
            let next = next_state(&self.settings.policy, &attempt, outcome.clone());
            match &next {
                None => report.held += 1,
                Some(NextRowState::Done(_)) => report.sent += 1,
                Some(NextRowState::Retry { .. }) => report.retried += 1,
                Some(NextRowState::Park(reason)) => {
                    report.parked += 1;
                    tracing::warn!(
                        event.insert_id = event.insert_id,
                        event.name = event.event_type,
                        reason,
                        "an event was parked"
                    );
                }
            }
            observed.extend(next.clone().map(|next| (event, next)));
            updates.extend(next.map(|next| row.update(next)));
        }
        let refill = refill && report.made_progress() && !self.health.borrow().is_paused(now_ms);
        let settled = match self.settle_and_claim(delivery, &updates, now_ms, refill).await {
            Ok(settled) => settled,
            Err(error) => {
                tracing::warn!(%error, "settling failed; retrying once");
                self.settle_and_claim(delivery, &updates, now_ms, refill).await?
            }
        };
        for (event, next) in &observed {
            (self.observer)(event, next);
        }
        let (lost, next) = settled;
        report.lost = lost;
        if lost > 0 {
            tracing::info!(rows = lost, "some rows were no longer leased to this dispatcher");
        }
        Ok((report, next))
    }

    async fn settle_and_claim(
        &self,
        delivery: &Delivery,
        updates: &[queue::RowUpdate],
        now_ms: i64,
        refill: bool,
    ) -> Result<(usize, Option<Claim<OutboundEvent>>), sqlx::Error> {
        let mut tx = self.db.write().await?;
        let lost = OUTBOX
            .settle(&mut tx, self.db.engine(), &delivery.lease, updates, now_ms)
            .await?;
        let next = match refill {
            true => self.claim_in(&mut tx, now_ms).await?,
            false => None,
        };
        tx.commit().await?;
        Ok((lost, next))
    }

    /// Updates the health from the outcomes of a batch, and logs each change. Batches that were in flight together and
    /// failed together count as one failure: `failures_before` is the number of failures when this one was sent.
    fn update_health(&self, outcomes: &[DeliveryOutcome], failures_before: u32) {
        let now_ms = (self.clock)();
        let before = self.health.borrow().clone();
        let after = before.after_batch(&self.settings.policy, outcomes, now_ms, (self.settings.jitter)());
        if after.failures > before.failures && before.failures > failures_before {
            return;
        }
        let error = after.last_error.as_deref().unwrap_or_default();
        match after.condition {
            _ if after.failures == before.failures => {}
            Condition::Healthy => tracing::info!("delivery has recovered"),
            Condition::Failing => tracing::warn!(
                error,
                failures = after.failures,
                "a batch failed; it will be retried"
            ),
            Condition::Refused => {
                tracing::error!(
                    error,
                    failures = after.failures,
                    "the receiver refuses all events; they are kept"
                );
            }
            Condition::Misconfigured => {
                tracing::error!(
                    error,
                    "NO EVENTS ARE SENT until the configuration is fixed; all events are kept"
                );
            }
        }
        self.health.send_replace(after);
    }

    async fn prune(&self, now_ms: i64) {
        match prune(&self.db, now_ms).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "deleted old parked events"),
            Err(error) => tracing::error!(%error, "pruning failed; retrying in an hour"),
        }
    }

    /// The time until the next poll or the end of the pause, whichever is later.
    fn next_wait(&self, now_ms: i64) -> Duration {
        let pause_ms = self
            .health
            .borrow()
            .paused_until_ms
            .map_or(0, |until_ms| until_ms.saturating_sub(now_ms));
        self.settings
            .poll
            .max(Duration::from_millis(u64::try_from(pause_ms).unwrap_or(0)))
    }
}

/// How many rows to send in one call: the rows before the first one that panicked, or that row alone. A prefix keeps the
/// order of each lane.
fn attempted_rows(claimed: &[QueuedRow<()>]) -> usize {
    let suspect = claimed.iter().position(|row| row.panics > 0);
    suspect.map_or(claimed.len(), |position| position.max(1))
}

/// A span for each event that continues a trace. None of them is the parent of the attempt, which sends many events.
fn traced_deliveries(rows: &[QueuedRow<()>], events: &[OutboundEvent]) -> Vec<tracing::Span> {
    let traced = rows.iter().zip(events).filter_map(|(row, event)| {
        let trace_parent = event.trace_parent.as_deref()?;
        let span = tracing::info_span!(
            parent: None,
            "deliver event",
            event.name = event.event_type,
            event.insert_id = event.insert_id,
            attempts = row.attempts,
        );
        queue::continue_trace(&span, Some(trace_parent));
        Some(span)
    });
    traced.collect()
}

fn panicked() -> DeliveryOutcome {
    DeliveryOutcome::Retry(DeliveryFailure::new(FailureKind::Panicked, PANICKED))
}
