//! Carries deletions out, on any number of servers, over restarts. One step of one account at a time, under a lease; no
//! transaction is open while somebody else is asked.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use outbox::Nudge;
use tokio_util::sync::CancellationToken;

use super::store::{self, Claimed, Step};
use super::{AmplitudeEraser, CustomerEraser};
use crate::backoff::wait_ms;
use crate::clock::Clock;
use crate::ids;

/// Longer than any step: an HTTP call has 15 s, and billing makes a few.
const LEASE_MS: i64 = 5 * 60_000;
/// For steps that came due, and for deletions of other servers.
const POLL: Duration = Duration::from_secs(10);
const BASE_MS: i64 = 5_000;
const CAP_MS: i64 = 3_600_000;

/// See the module.
pub struct Deleter {
    db: Db,
    clock: Clock,
    billing: Arc<dyn CustomerEraser>,
    amplitude: AmplitudeEraser,
    nudge: Nudge,
    /// Names our leases.
    owner: String,
}

/// How a step went.
enum Outcome {
    /// Done; with what is to be known about it.
    Done(Option<&'static str>),
    /// Not yet.
    Failed(String),
}

impl Deleter {
    /// `nudge`: what the verb wakes after its commit.
    pub fn new(
        db: Db,
        clock: Clock,
        billing: Arc<dyn CustomerEraser>,
        amplitude: AmplitudeEraser,
        nudge: Nudge,
    ) -> Self {
        Self {
            db,
            clock,
            billing,
            amplitude,
            nudge,
            owner: ids::row().to_string(),
        }
    }

    /// Works until `stop`, then finishes the step in hand. An error ends one round, not the loop.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.next_step().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "deletions cannot be carried on; trying again"
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.nudge.woken() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Does everything that is due by the clock now. What a test calls in place of [`Self::run`].
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        while self.next_step().await? {}
        Ok(())
    }

    /// `false`: nothing was due.
    async fn next_step(&self) -> Result<bool, sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let Some(user) = store::due(self.db.pool(), now_ms).await? else {
            return Ok(false);
        };
        let lease_until = now_ms + LEASE_MS;
        let Some(claimed) = store::lease(self.db.pool(), &user, &self.owner, now_ms, lease_until).await?
        else {
            return Ok(true);
        };
        let outcome = match claimed.step {
            Step::Billing => match self.billing.erase(claimed.user).await {
                Ok(()) => Outcome::Done(None),
                Err(error) => Outcome::Failed(error.to_string()),
            },
            Step::Erase => return self.erase(claimed).await.map(|()| true),
            Step::Amplitude => match self.amplitude.erase(claimed.user).await {
                Ok(true) => Outcome::Done(None),
                Ok(false) => Outcome::Done(Some("Amplitude was not asked: AMPLITUDE_SECRET_KEY is not set")),
                Err(error) => Outcome::Failed(error.to_string()),
            },
            Step::Done => Outcome::Done(None),
        };
        self.settle(claimed, outcome).await?;
        Ok(true)
    }

    /// The person goes out of our tables and the step is over, in one transaction. What the outbox still holds of them goes
    /// as well: a sign-in that was under way may have written to it.
    async fn erase(&self, claimed: Claimed) -> Result<(), sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        outbox::drop_unsent(&mut tx, claimed.user, now_ms).await?;
        outbox::forget_sent(&mut tx, claimed.user).await?;
        store::erase(&mut tx, claimed.user).await?;
        if store::advance(&mut tx, claimed, &self.owner, None, now_ms).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    async fn settle(&self, claimed: Claimed, outcome: Outcome) -> Result<(), sqlx::Error> {
        let now_ms = self.clock.now_ms();
        match outcome {
            Outcome::Done(note) => {
                let mut tx = self.db.write().await?;
                store::advance(&mut tx, claimed, &self.owner, note, now_ms).await?;
                tx.commit().await?;
                match note {
                    Some(note) => tracing::warn!(user.id = %claimed.user, "{note}"),
                    None if claimed.step == Step::Amplitude => {
                        tracing::info!(user.id = %claimed.user, "an account is deleted");
                    }
                    None => {}
                }
                Ok(())
            }
            Outcome::Failed(error) => {
                tracing::warn!(
                    user.id = %claimed.user,
                    step = claimed.step.as_str(),
                    attempts = claimed.attempts,
                    error,
                    "a step of a deletion failed; it will be tried again"
                );
                let at_ms = now_ms + wait_ms(BASE_MS, CAP_MS, claimed.attempts);
                store::put_off(self.db.pool(), claimed.user, &self.owner, at_ms, &error).await
            }
        }
    }
}
