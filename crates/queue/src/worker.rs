//! The loop of a worker: claim, work, settle.
//!
//! No transaction is open during the work. A panic in the work on a row is a failed attempt of this row; a panic anywhere
//! else ends the task, and the application's supervisor restarts it.

use std::time::Duration;

use async_trait::async_trait;
use db::{Connection, Db};
use sqlx::any::AnyRow;
use tokio_util::sync::CancellationToken;

use crate::{
    Claim, ClaimLimits, JobFailure, JobPolicy, LaneLease, MillisClock, NextRowState, Queue, QueuedRow,
    Wakeup, millis,
};

/// Calls `step` until `stop`: again at once while it returns true, otherwise after a wake-up or after `poll`. Errors are
/// logged and retried. `table` names the queue in the log.
pub async fn run_steps<F>(
    table: &'static str,
    wakeup: &Wakeup,
    poll: Duration,
    stop: &CancellationToken,
    step: impl Fn() -> F,
) where
    F: Future<Output = Result<bool, sqlx::Error>>,
{
    while !stop.is_cancelled() {
        match step().await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                table,
                "the database failed during the work on a queue; retrying"
            ),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = wakeup.wait() => {}
            () = tokio::time::sleep(poll) => {}
        }
    }
}

/// The work on one row of a queue.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// The client's columns of a row.
    type Job: Send + Sync;
    /// What an attempt hands to the transaction that settles the row.
    type Success: Send;

    /// Reads the client's columns. A row that cannot be read is parked.
    fn read(row: &AnyRow) -> Result<Self::Job, sqlx::Error>;

    /// Makes one attempt. No transaction is open.
    async fn attempt(&self, lane: &str, row: &QueuedRow<Self::Job>) -> Result<Self::Success, AttemptError>;

    /// Writes the result, in the transaction that settles the row. Returns the row's next state. It is not called if the
    /// lease was lost.
    async fn complete(
        &self,
        connection: &mut Connection,
        lane: &str,
        row: &QueuedRow<Self::Job>,
        success: Self::Success,
    ) -> Result<NextRowState, sqlx::Error>;
}

/// Why an attempt did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The attempt failed. The worker retries or parks the row.
    #[error("{0:?}")]
    Failed(JobFailure),
    /// The database failed. The attempt is repeated when the lease ends.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<JobFailure> for AttemptError {
    fn from(failure: JobFailure) -> Self {
        Self::Failed(failure)
    }
}

/// Is called after each attempt with the row and its next state, for counts.
type AttemptObserver<T> = Box<dyn Fn(&T, &NextRowState) + Send + Sync>;

/// Processes the rows of a queue one at a time. Any number of workers may share a queue, in one process or in many.
pub struct JobWorker<H: JobHandler> {
    db: Db,
    queue: Queue,
    handler: H,
    clock: MillisClock,
    policy: JobPolicy,
    lease: Duration,
    observer: AttemptObserver<H::Job>,
}

impl<H: JobHandler> JobWorker<H> {
    /// Creates a worker. It renews its lease every third of `lease`; after a crash the row waits until the lease ends.
    pub fn new(
        db: Db,
        queue: Queue,
        handler: H,
        clock: MillisClock,
        policy: JobPolicy,
        lease: Duration,
    ) -> Self {
        Self {
            db,
            queue,
            handler,
            clock,
            policy,
            lease,
            observer: Box::new(|_, _| {}),
        }
    }

    /// Calls `observer` after each attempt whose result was written, with the row's columns and its next state.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(&H::Job, &NextRowState) + Send + Sync + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// The handler of the rows.
    pub const fn handler(&self) -> &H {
        &self.handler
    }

    /// Runs until `stop`, then finishes the current row. `wakeup` ends a wait early; `poll` finds due retries, and rows
    /// that other servers have written.
    pub async fn run(&self, wakeup: &Wakeup, poll: Duration, stop: &CancellationToken) {
        run_steps(self.queue.table, wakeup, poll, stop, || self.work_once()).await;
    }

    /// Processes all rows that are due now. Tests call it instead of [`Self::run`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        while self.work_once().await? {}
        Ok(())
    }

    /// Processes the row that has been due longest. Returns false if none is due.
    async fn work_once(&self) -> Result<bool, sqlx::Error> {
        let limits = ClaimLimits {
            lanes: 1,
            rows: 1,
            per_lane: 1,
            lease_ms: millis(self.lease),
        };
        let claim = self
            .queue
            .claim_due(&self.db, limits, (self.clock)(), H::read)
            .await?;
        let Some(Claim { lease, rows }) = claim else {
            return Ok(false);
        };
        let Some(row) = rows.first() else {
            return Ok(false);
        };
        let lane = lease.lane_of(row);
        let attempt = self.attempt(&lease, lane, row);
        let done = self
            .queue
            .hold(&self.db, &self.clock, &lease, self.lease, attempt)
            .await;
        let failure = match done {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(AttemptError::Database(error))) => return Err(error),
            Ok(Err(AttemptError::Failed(failure))) => failure,
            Err(_) => JobFailure::Panicked,
        };
        let now_ms = (self.clock)();
        let next = self.policy.after_failure(row, failure, now_ms, 1.0);
        self.log_failure(lane, row, &next);
        let mut tx = self.db.write().await?;
        let lost = self
            .queue
            .settle(
                &mut tx,
                self.db.engine(),
                &lease,
                &[row.update(next.clone())],
                now_ms,
            )
            .await?;
        tx.commit().await?;
        self.report(lane, row, &next, lost);
        Ok(true)
    }

    async fn attempt(
        &self,
        lease: &LaneLease,
        lane: &str,
        row: &QueuedRow<H::Job>,
    ) -> Result<(), AttemptError> {
        let success = self.handler.attempt(lane, row).await?;
        let mut tx = self.db.write().await?;
        let engine = self.db.engine();
        if !self.queue.holds(&mut tx, engine, lease).await? {
            self.log_lost(lane);
            return Ok(());
        }
        let next = self.handler.complete(&mut tx, lane, row, success).await?;
        let now_ms = (self.clock)();
        let lost = self
            .queue
            .settle(&mut tx, engine, lease, &[row.update(next.clone())], now_ms)
            .await?;
        tx.commit().await?;
        self.report(lane, row, &next, lost);
        Ok(())
    }

    fn log_failure(&self, lane: &str, row: &QueuedRow<H::Job>, next: &NextRowState) {
        let (table, attempts) = (self.queue.table, row.attempts);
        match next {
            NextRowState::Park(reason) => {
                tracing::error!(
                    table,
                    lane,
                    attempts,
                    reason,
                    "a row was parked; it needs an operator"
                );
            }
            NextRowState::Retry { error, .. } => {
                tracing::warn!(
                    table,
                    lane,
                    attempts,
                    error,
                    "an attempt failed; it will be retried"
                );
            }
            NextRowState::Done(_) => {}
        }
    }

    /// Reports a row that was settled, unless its lease was lost.
    fn report(&self, lane: &str, row: &QueuedRow<H::Job>, next: &NextRowState, lost: usize) {
        if lost > 0 {
            self.log_lost(lane);
        } else {
            (self.observer)(&row.job, next);
        }
    }

    fn log_lost(&self, lane: &str) {
        tracing::info!(
            table = self.queue.table,
            lane,
            "a row was no longer leased to this worker"
        );
    }
}
