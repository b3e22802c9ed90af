//! Claims due rows, delivers them, and settles them, in a loop.
//!
//! No transaction is open during a delivery. After a crash the rows stay leased. When the lease ends, any dispatcher
//! sends the same bytes with the same insert ID again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use db::Db;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::report::DispatchReport;
use crate::retry::{DeliveryAttempt, NextState, dedup_window_passed, next_state};
use crate::store::{ClaimRequest, ClaimedRow, Settlement, claim, prune, settle};
use crate::{
    Condition, DeliveryFailure, DeliveryOutcome, DispatcherSettings, FailureKind, Health, MillisClock,
    OutboundEvent, PANICKED, ParkReason, Sink, Wakeup, catch_panic,
};

/// Rows. Far below each engine's limit of parameters per statement.
const MAX_BATCH: usize = 1_000;
const PRUNE_EVERY_MS: i64 = 60 * 60_000;

/// Sends the rows of the outbox. Any number of dispatchers may share one database, in one process or in many.
pub struct Dispatcher {
    db: Db,
    sink: Arc<dyn Sink>,
    clock: MillisClock,
    settings: DispatcherSettings,
    /// Identifies this dispatcher's leases.
    owner: String,
    wakeup: Wakeup,
    health: watch::Sender<Health>,
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("owner", &self.owner)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Returns a unique lease owner.
#[expect(clippy::disallowed_methods, reason = "the value is only compared with itself")]
fn new_lease_owner() -> String {
    Uuid::new_v4().to_string()
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
            owner: new_lease_owner(),
            wakeup: Wakeup::new(),
            health: watch::Sender::default(),
        }
    }

    /// Returns a dispatcher that replaces this one on the same outbox. It shares the wake-up and the health, but not
    /// the leases, as after a crash.
    pub fn restarted(&self) -> Self {
        Self {
            db: self.db.clone(),
            sink: Arc::clone(&self.sink),
            clock: Arc::clone(&self.clock),
            settings: self.settings.clone(),
            owner: new_lease_owner(),
            wakeup: self.wakeup.clone(),
            health: self.health.clone(),
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

    /// Runs until `shutdown`, then finishes the current batch, which takes at most the sink's longest delivery.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut prune_at_ms = 0;
        while !shutdown.is_cancelled() {
            let made_progress = match self.run_due_once().await {
                Ok(report) => report.made_progress(),
                Err(error) => {
                    tracing::error!(%error, "cannot read the outbox; retrying");
                    false
                }
            };
            let now_ms = (self.clock)();
            if now_ms >= prune_at_ms {
                prune_at_ms = now_ms.saturating_add(PRUNE_EVERY_MS);
                self.prune(now_ms).await;
            }
            if made_progress && !self.health.borrow().is_paused(now_ms) {
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wakeup.wait() => {}
                () = tokio::time::sleep(self.next_wait(now_ms)) => {}
            }
        }
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
        let started_ms = (self.clock)();
        if self.health.borrow().is_paused(started_ms) {
            return Ok(DispatchReport::default());
        }
        let lease_until_ms = started_ms.saturating_add(millis(self.settings.lease));
        let claimed = claim(
            &self.db,
            &ClaimRequest {
                owner: &self.owner,
                now_ms: started_ms,
                lease_until_ms,
                rows: self.settings.batch.clamp(1, MAX_BATCH),
                per_user: self.settings.per_user.max(1),
            },
        )
        .await?;
        if claimed.is_empty() {
            return Ok(DispatchReport::default());
        }
        let sent_at_ms = (self.clock)();
        let outcomes = if sent_at_ms.saturating_add(millis(self.sink.longest_delivery())) > lease_until_ms {
            tracing::warn!("the lease ends before the delivery could finish; the rows are claimed again");
            vec![DeliveryOutcome::Held; claimed.len()]
        } else {
            self.deliver(&claimed, sent_at_ms).await
        };
        let now_ms = (self.clock)();
        let held = outcomes
            .iter()
            .filter(|outcome| **outcome == DeliveryOutcome::Held)
            .count();
        let settlements = self.decide(&claimed, outcomes, sent_at_ms, now_ms);
        let lost = self.settle(&settlements, now_ms).await?;
        let count =
            |matches: fn(&NextState) -> bool| settlements.iter().filter(|row| matches(&row.next)).count();
        Ok(DispatchReport {
            claimed: claimed.len(),
            sent: count(|next| matches!(next, NextState::Sent)),
            parked: count(|next| matches!(next, NextState::Park(_))),
            retried: count(|next| matches!(next, NextState::Retry { .. })) - held,
            held,
            lost,
        })
    }

    /// Returns one outcome per claimed row. Rows past the deduplication window are parked without an attempt. A row whose
    /// earlier attempt panicked is sent alone, so that it takes no other row with it.
    async fn deliver(&self, claimed: &[ClaimedRow], sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        let is_past_window =
            |row: &ClaimedRow| dedup_window_passed(&self.settings.policy, row.first_unknown_ms, sent_at_ms);
        let attempted = attempted_rows(claimed);
        let batch: Vec<OutboundEvent> = claimed[..attempted]
            .iter()
            .filter(|row| !is_past_window(row))
            .map(|row| row.delivery.clone())
            .collect();
        let outcomes = if batch.is_empty() {
            Vec::new()
        } else {
            catch_panic(self.sink.deliver(&batch, sent_at_ms))
                .await
                .unwrap_or_else(|_| vec![panicked(); batch.len()])
        };
        self.update_health(&outcomes);
        let mut outcomes = outcomes.into_iter();
        let held = claimed[attempted..].iter().map(|_| DeliveryOutcome::Held);
        claimed[..attempted]
            .iter()
            .map(|row| {
                if is_past_window(row) {
                    return DeliveryOutcome::Park(ParkReason::DedupWindowPassed);
                }
                let missing = || DeliveryFailure::new(FailureKind::Unknown, "the sink returned no outcome");
                outcomes
                    .next()
                    .unwrap_or_else(|| DeliveryOutcome::Retry(missing()))
            })
            .chain(held)
            .collect()
    }

    /// The settlement of each claimed row.
    fn decide(
        &self,
        claimed: &[ClaimedRow],
        outcomes: Vec<DeliveryOutcome>,
        sent_at_ms: i64,
        now_ms: i64,
    ) -> Vec<Settlement> {
        let settled = claimed.iter().zip(outcomes).map(|(row, outcome)| {
            let attempt = DeliveryAttempt {
                attempts: row.attempts,
                panics: row.panics,
                first_unknown_ms: row.first_unknown_ms,
                started_ms: sent_at_ms,
                now_ms,
                jitter: (self.settings.jitter)(),
            };
            let next = next_state(&self.settings.policy, &attempt, outcome);
            if let NextState::Park(reason) = &next {
                tracing::warn!(
                    event.insert_id = row.delivery.insert_id,
                    event.name = row.delivery.event_type,
                    %reason,
                    "an event was parked"
                );
            }
            Settlement {
                sequence: row.sequence,
                next,
            }
        });
        settled.collect()
    }

    /// Settles the rows, with one retry if the database fails. Rows that cannot be settled are sent again when their
    /// lease ends. Returns the number of rows that were no longer leased to this dispatcher.
    async fn settle(&self, settlements: &[Settlement], now_ms: i64) -> Result<usize, sqlx::Error> {
        let lost = match settle(&self.db, &self.owner, settlements, now_ms).await {
            Ok(lost) => lost,
            Err(error) => {
                tracing::warn!(%error, "settling failed; retrying once");
                settle(&self.db, &self.owner, settlements, now_ms).await?
            }
        };
        if lost > 0 {
            tracing::info!(rows = lost, "some rows were no longer leased to this dispatcher");
        }
        Ok(lost)
    }

    /// Updates the health from the outcomes of a batch, and logs each change.
    fn update_health(&self, outcomes: &[DeliveryOutcome]) {
        let now_ms = (self.clock)();
        let before = self.health.borrow().clone();
        let after = before.after_batch(&self.settings.policy, outcomes, now_ms, (self.settings.jitter)());
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
        match prune(&self.db, now_ms, self.settings.keep_days).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "erased old payloads and old parked events"),
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
fn attempted_rows(claimed: &[ClaimedRow]) -> usize {
    let suspect = claimed.iter().position(|row| row.panics > 0);
    suspect.map_or(claimed.len(), |position| position.max(1))
}

fn panicked() -> DeliveryOutcome {
    DeliveryOutcome::Retry(DeliveryFailure::new(FailureKind::Panicked, PANICKED))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
