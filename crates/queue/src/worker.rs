//! The loop of a worker: claim, work, settle.
//!
//! No transaction is open during the work. A panic in the work on a row is a failed attempt of this row; a panic anywhere
//! else ends the task, and the application's supervisor restarts it.

use std::time::Duration;

use async_trait::async_trait;
use db::{Connection, Db};
use sqlx::any::AnyRow;
use tokio::time::Instant;
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
    type Success: Send + Sync;

    /// Reads the client's columns. A row that cannot be read is parked.
    fn read(row: &AnyRow) -> Result<Self::Job, sqlx::Error>;

    /// Makes one attempt. No transaction is open.
    async fn attempt(&self, lane: &str, row: &QueuedRow<Self::Job>) -> Result<Self::Success, AttemptError>;

    /// Writes the result, in the transaction that settles the row. Returns the row's next state. It is called again when the
    /// transaction fails, and not called if the lease was lost.
    async fn complete(
        &self,
        connection: &mut Connection,
        lane: &str,
        row: &QueuedRow<Self::Job>,
        success: &Self::Success,
    ) -> Result<NextRowState, sqlx::Error>;
}

/// Why an attempt did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The attempt failed. The worker retries or parks the row.
    #[error("{0:?}")]
    Failed(JobFailure),
    /// The database failed: before the work, or for the duration of a lease after it. The attempt is repeated when the lease
    /// ends.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<JobFailure> for AttemptError {
    fn from(failure: JobFailure) -> Self {
        Self::Failed(failure)
    }
}

/// The wait before the transaction of a result is repeated. It doubles with each failure.
const FIRST_WAIT: Duration = Duration::from_millis(100);

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
        self.repeat_write(|| async {
            let mut tx = self.db.write().await?;
            let update = row.update(next.clone());
            let engine = self.db.engine();
            let lost = self
                .queue
                .settle(&mut tx, engine, &lease, &[update], now_ms)
                .await?;
            tx.commit().await?;
            self.report(lane, row, &next, lost);
            Ok(())
        })
        .await?;
        Ok(true)
    }

    async fn attempt(
        &self,
        lease: &LaneLease,
        lane: &str,
        row: &QueuedRow<H::Job>,
    ) -> Result<(), AttemptError> {
        let success = self.handler.attempt(lane, row).await?;
        let write = || self.complete(lease, lane, row, &success);
        Ok(self.repeat_write(write).await?)
    }

    /// Repeats a transaction that writes a result while the database fails, so that work that was done is not done again.
    /// Gives up after the duration of a lease, and at once if another attempt would fail too, so that one row does not stop the
    /// queue. If the answer to a commit was lost, the repetition finds the lease released, and changes nothing.
    async fn repeat_write<F>(&self, write: impl Fn() -> F) -> Result<(), sqlx::Error>
    where
        F: Future<Output = Result<(), sqlx::Error>>,
    {
        let give_up = Instant::now() + self.lease;
        let mut wait = FIRST_WAIT;
        loop {
            let Err(error) = write().await else {
                return Ok(());
            };
            if db::is_refusal(&error) || Instant::now() + wait > give_up {
                return Err(error);
            }
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                table = self.queue.table,
                "cannot write the result of an attempt; retrying"
            );
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    async fn complete(
        &self,
        lease: &LaneLease,
        lane: &str,
        row: &QueuedRow<H::Job>,
        success: &H::Success,
    ) -> Result<(), sqlx::Error> {
        let mut tx = self.db.write().await?;
        if !self.queue.holds(&mut tx, self.db.engine(), lease).await? {
            self.log_lost(lane);
            return Ok(());
        }
        let next = self.handler.complete(&mut tx, lane, row, success).await?;
        let now_ms = (self.clock)();
        let lost = self
            .queue
            .settle_held(&mut tx, lease, &[row.update(next.clone())], now_ms)
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
