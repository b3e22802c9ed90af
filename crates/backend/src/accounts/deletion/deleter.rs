//! Runs account deletions, on any number of servers and across restarts. It runs one step of one account at a time,
//! under a lease. No transaction is open during a call to another service.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use outbox::{Wakeup, catch_panic};
use tokio_util::sync::CancellationToken;

use super::settlement::{AfterFailure, StepError, after_failure};
use super::store::{self, ClaimedDeletion, DeletionStep};
use super::{AmplitudeEraser, CustomerEraser, EraseError};
use crate::clock::Clock;
use crate::ids;

/// Longer than any step: an HTTP call takes at most 15 s, and the billing step makes a few.
const LEASE_MS: i64 = 5 * 60_000;
/// The poll interval, for due steps and for deletions of other servers.
const POLL: Duration = Duration::from_secs(10);

/// Runs account deletions step by step.
pub struct Deleter {
    db: Db,
    clock: Clock,
    billing: Arc<dyn CustomerEraser>,
    amplitude: AmplitudeEraser,
    wakeup: Wakeup,
    /// Identifies this deleter's leases.
    owner: String,
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
        Self {
            db,
            clock,
            billing,
            amplitude,
            wakeup,
            owner: ids::row().to_string(),
        }
    }

    /// Runs until `stop`, then finishes the current step. Database errors are logged and retried.
    pub async fn run(&self, stop: CancellationToken) {
        if let Err(error) = self.unpark_if_configured().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot read the parked account deletions"
            );
        }
        while !stop.is_cancelled() {
            match self.run_next_step().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot read the account deletions; retrying"
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wakeup.wait() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Runs all steps that are due now. Tests call it instead of [`Self::run`].
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        while self.run_next_step().await? {}
        Ok(())
    }

    /// Makes deletions due again that were parked for want of Amplitude's secret key, if there is one now. Returns their
    /// number.
    pub async fn unpark_if_configured(&self) -> Result<u64, sqlx::Error> {
        if !self.amplitude.has_secret_key() {
            return Ok(0);
        }
        let reason = EraseError::NoSecretKey.to_string();
        let unparked = store::unpark_all(self.db.pool(), &reason, self.clock.now_ms()).await?;
        if unparked > 0 {
            tracing::info!(
                deletions = unparked,
                "AMPLITUDE_SECRET_KEY is set: parked account deletions continue"
            );
        }
        Ok(unparked)
    }

    /// Runs the step that has been due longest. Returns false if none is due.
    async fn run_next_step(&self) -> Result<bool, sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let Some(user) = store::due(self.db.pool(), now_ms).await? else {
            return Ok(false);
        };
        let lease_until_ms = now_ms + LEASE_MS;
        let Some(claimed) = store::lease(self.db.pool(), &user, &self.owner, now_ms, lease_until_ms).await?
        else {
            return Ok(true);
        };
        match catch_panic(self.attempt(claimed)).await {
            Ok(Ok(())) => {}
            Ok(Err(AttemptError::Database(error))) => return Err(error),
            Ok(Err(AttemptError::Step(error))) => self.record_failure(claimed, error).await?,
            Err(_) => self.record_failure(claimed, StepError::Panicked).await?,
        }
        Ok(true)
    }

    /// Makes one attempt at the step, and moves the deletion to its next step.
    async fn attempt(&self, claimed: ClaimedDeletion) -> Result<(), AttemptError> {
        match claimed.step {
            DeletionStep::Billing => self.billing.erase(claimed.user).await.map_err(StepError::from)?,
            DeletionStep::Erase => return Ok(self.erase(claimed).await?),
            DeletionStep::Amplitude => self
                .amplitude
                .erase(claimed.user)
                .await
                .map_err(StepError::from)?,
            DeletionStep::Done => {}
        }
        let mut tx = self.db.write().await?;
        store::advance(&mut tx, claimed, &self.owner, self.clock.now_ms()).await?;
        tx.commit().await?;
        if claimed.step == DeletionStep::Amplitude {
            tracing::info!(user.id = %claimed.user, "an account was deleted");
        }
        Ok(())
    }

    /// Deletes the user from the tables and finishes the step, in one transaction. It also cleans the outbox, because a
    /// concurrent sign-in may have written to it.
    async fn erase(&self, claimed: ClaimedDeletion) -> Result<(), sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        outbox::delete_unsent(&mut tx, claimed.user, now_ms).await?;
        outbox::erase_sent_payloads(&mut tx, claimed.user).await?;
        store::erase(&mut tx, claimed.user).await?;
        if store::advance(&mut tx, claimed, &self.owner, now_ms).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Schedules the next attempt, or parks the deletion.
    async fn record_failure(&self, claimed: ClaimedDeletion, error: StepError) -> Result<(), sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let after = after_failure(claimed.attempts, claimed.panics, error, now_ms);
        match &after {
            AfterFailure::Retry { error, .. } => tracing::warn!(
                user.id = %claimed.user,
                step = claimed.step.as_str(),
                attempts = claimed.attempts,
                error,
                "a step of an account deletion failed; it will be retried"
            ),
            AfterFailure::Park(reason) => tracing::error!(
                user.id = %claimed.user,
                step = claimed.step.as_str(),
                attempts = claimed.attempts,
                reason,
                "an account deletion was parked; it needs an operator"
            ),
        }
        store::record_failure(self.db.pool(), claimed.user, &self.owner, &after, now_ms).await
    }
}

/// Why an attempt did not finish its step.
enum AttemptError {
    /// The step failed.
    Step(StepError),
    /// The database failed. The step is repeated when the lease ends.
    Database(sqlx::Error),
}

impl From<StepError> for AttemptError {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

impl From<sqlx::Error> for AttemptError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}
