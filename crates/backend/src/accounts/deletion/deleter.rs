//! Runs account deletions, on any number of servers and across restarts. It runs one step of one account at a time,
//! under a lease. No transaction is open during a call to another service.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use outbox::Wakeup;
use tokio_util::sync::CancellationToken;

use super::store::{self, ClaimedDeletion, DeletionStep};
use super::{AmplitudeEraser, CustomerEraser};
use crate::backoff::wait_ms;
use crate::clock::Clock;
use crate::ids;

/// Longer than any step: an HTTP call takes at most 15 s, and the billing step makes a few.
const LEASE_MS: i64 = 5 * 60_000;
/// The poll interval, for due steps and for deletions of other servers.
const POLL: Duration = Duration::from_secs(10);
const BASE_MS: i64 = 5_000;
const CAP_MS: i64 = 3_600_000;

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

/// The outcome of a step.
enum StepOutcome {
    /// The step is done, with an optional note for operators.
    Done(Option<&'static str>),
    /// The step failed and is retried. Contains the error.
    Failed(String),
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
    pub async fn run(self, stop: CancellationToken) {
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
        let outcome = match claimed.step {
            DeletionStep::Billing => match self.billing.erase(claimed.user).await {
                Ok(()) => StepOutcome::Done(None),
                Err(error) => StepOutcome::Failed(error.to_string()),
            },
            DeletionStep::Erase => return self.erase(claimed).await.map(|()| true),
            DeletionStep::Amplitude => match self.amplitude.erase(claimed.user).await {
                Ok(true) => StepOutcome::Done(None),
                Ok(false) => StepOutcome::Done(Some(
                    "no deletion request was sent to Amplitude: AMPLITUDE_SECRET_KEY is not set",
                )),
                Err(error) => StepOutcome::Failed(error.to_string()),
            },
            DeletionStep::Done => StepOutcome::Done(None),
        };
        self.settle(claimed, outcome).await?;
        Ok(true)
    }

    /// Deletes the user from the tables and finishes the step, in one transaction. It also cleans the outbox, because a
    /// concurrent sign-in may have written to it.
    async fn erase(&self, claimed: ClaimedDeletion) -> Result<(), sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        outbox::delete_unsent(&mut tx, claimed.user, now_ms).await?;
        outbox::erase_sent_payloads(&mut tx, claimed.user).await?;
        store::erase(&mut tx, claimed.user).await?;
        if store::advance(&mut tx, claimed, &self.owner, None, now_ms).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Writes the outcome of a step.
    async fn settle(&self, claimed: ClaimedDeletion, outcome: StepOutcome) -> Result<(), sqlx::Error> {
        let now_ms = self.clock.now_ms();
        match outcome {
            StepOutcome::Done(note) => {
                let mut tx = self.db.write().await?;
                store::advance(&mut tx, claimed, &self.owner, note, now_ms).await?;
                tx.commit().await?;
                match note {
                    Some(note) => tracing::warn!(user.id = %claimed.user, "{note}"),
                    None if claimed.step == DeletionStep::Amplitude => {
                        tracing::info!(user.id = %claimed.user, "an account was deleted");
                    }
                    None => {}
                }
                Ok(())
            }
            StepOutcome::Failed(error) => {
                tracing::warn!(
                    user.id = %claimed.user,
                    step = claimed.step.as_str(),
                    attempts = claimed.attempts,
                    error,
                    "a step of an account deletion failed; it will be retried"
                );
                let at_ms = now_ms + wait_ms(BASE_MS, CAP_MS, claimed.attempts);
                store::record_failure(self.db.pool(), claimed.user, &self.owner, at_ms, &error).await
            }
        }
    }
}
