//! Runs account deletions, on any number of servers and across restarts. It runs one step of one account at a time,
//! under a lease. No transaction is open during a call to another service.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::{Connection, Db};
use queue::{
    AttemptError, JobFailure, JobHandler, JobPolicy, JobWorker, NextRowState, QueuedRow, RetrySchedule,
    Wakeup,
};
use sqlx::any::AnyRow;
use tokio_util::sync::CancellationToken;
use tracking::UserId;

use super::store::{self, DELETIONS, DeletionStep};
use super::{AmplitudeEraser, CustomerEraser, EraseError};
use crate::clock::Clock;

const POLICY: JobPolicy = JobPolicy {
    schedule: RetrySchedule {
        base_ms: 5_000,
        cap_ms: 3_600_000,
    },
    // About 2.5 hours.
    max_refusals: 12,
};
/// Longer than any step: an HTTP call takes at most 15 s, and the billing step makes a few.
const LEASE: Duration = Duration::from_secs(5 * 60);
/// The poll interval, for due steps and for deletions of other servers.
const POLL: Duration = Duration::from_secs(10);

/// Runs account deletions step by step.
pub struct Deleter {
    db: Db,
    clock: Clock,
    worker: JobWorker<Eraser>,
    wakeup: Wakeup,
}

impl Deleter {
    /// Creates a deleter. `wakeup` wakes it after a commit.
    pub fn new(
        db: Db,
        clock: Clock,
        billing: Arc<dyn CustomerEraser>,
        amplitude: AmplitudeEraser,
        wakeup: Wakeup,
    ) -> Self {
        let eraser = Eraser {
            clock: clock.clone(),
            billing,
            amplitude,
        };
        let millis = clock.clone().into_millis();
        Self {
            worker: JobWorker::new(db.clone(), DELETIONS, eraser, millis, POLICY, LEASE),
            db,
            clock,
            wakeup,
        }
    }

    /// Calls `observer` after each attempt at a step with the next state of the deletion's row.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(&NextRowState) + Send + Sync + 'static) -> Self {
        self.worker = self.worker.observed_by(move |_, next| observer(next));
        self
    }

    /// Runs until `stop`, then finishes the current step. Database errors are logged and retried.
    pub async fn run(&self, stop: CancellationToken) {
        if let Err(error) = self.unpark_if_configured().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot read the parked account deletions"
            );
        }
        self.worker.run(&self.wakeup, POLL, &stop).await;
    }

    /// Runs all steps that are due now. Tests call it instead of [`Self::run`].
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        self.worker.drain().await
    }

    /// Makes deletions due again that were parked for want of Amplitude's secret key, if there is one now. Returns their
    /// number.
    pub async fn unpark_if_configured(&self) -> Result<u64, sqlx::Error> {
        if !self.worker.handler().amplitude.has_secret_key() {
            return Ok(0);
        }
        let reason = EraseError::NoSecretKey.to_string();
        let unparked = store::replay(&self.db, None, Some(&reason), self.clock.now_ms()).await?;
        if unparked > 0 {
            tracing::info!(
                deletions = unparked,
                "AMPLITUDE_SECRET_KEY is set: parked account deletions continue"
            );
        }
        Ok(unparked)
    }
}

/// Makes one attempt at a step of a deletion.
struct Eraser {
    clock: Clock,
    billing: Arc<dyn CustomerEraser>,
    amplitude: AmplitudeEraser,
}

#[async_trait]
impl JobHandler for Eraser {
    type Job = DeletionStep;
    type Success = UserId;

    fn read(row: &AnyRow) -> Result<DeletionStep, sqlx::Error> {
        store::read_step(row)
    }

    async fn attempt(&self, lane: &str, row: &QueuedRow<DeletionStep>) -> Result<UserId, AttemptError> {
        let user = UserId::parse(lane)
            .ok_or_else(|| JobFailure::Permanent("the lane is not a user ID".to_owned()))?;
        match row.job {
            DeletionStep::Billing => self.billing.erase(user).await?,
            DeletionStep::Amplitude => self.amplitude.erase(user).await.map_err(JobFailure::from)?,
            DeletionStep::Erase | DeletionStep::Done => {}
        }
        Ok(user)
    }

    /// Moves the deletion to its next step. Our tables are cleared in this transaction, and the outbox again, because a
    /// concurrent sign-in may have written to it.
    async fn complete(
        &self,
        connection: &mut Connection,
        _lane: &str,
        row: &QueuedRow<DeletionStep>,
        &user: &UserId,
    ) -> Result<NextRowState, sqlx::Error> {
        let now_ms = self.clock.now_ms();
        if row.job == DeletionStep::Erase {
            outbox::delete_unsent(connection, user, now_ms).await?;
            store::erase(connection, user).await?;
        }
        let next = row.job.next();
        if next == DeletionStep::Done {
            tracing::info!(user.id = %user, "an account was deleted");
            return Ok(NextRowState::Done("done"));
        }
        store::set_step(connection, row.sequence, next).await?;
        Ok(NextRowState::Retry {
            at_ms: now_ms,
            attempts: 0,
            panics: 0,
            first_unknown_ms: None,
            error: None,
        })
    }
}
