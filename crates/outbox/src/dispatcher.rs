//! Claims what is due, delivers it, settles it; again and again.
//!
//! No transaction is open while the sink works. A crash at any point leaves the row leased: when the lease runs out,
//! any dispatcher sends the same bytes under the same insert ID again.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use db::Db;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::retry::{Attempt, Next, next, too_late};
use crate::store::{Claim, Claimed, Settlement, claim, prune, settle};
use crate::{
    Clock, Condition, Delivery, Failure, FailureKind, Health, Nudge, Outcome, ParkReason, Settings, Sink,
};

/// Far below what either engine takes as parameters of one statement.
const LARGEST_BATCH: usize = 1_000;
const PRUNE_EVERY_MS: i64 = 60 * 60_000;

/// What a claim, or several, came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Rows taken under a lease.
    pub claimed: usize,
    /// Rows that arrived.
    pub sent: usize,
    /// Rows set aside.
    pub parked: usize,
    /// Rows whose attempt failed and that will be tried again.
    pub retried: usize,
    /// Rows that were claimed and not tried, because something before them failed.
    pub held: usize,
    /// Rows whose lease had run out, or which were withdrawn, when they were to be settled.
    pub lost: usize,
}

impl Round {
    /// Whether another one straight after may find something else to do. Rows that were only held are due at once.
    fn got_on(self) -> bool {
        self.sent + self.parked + self.retried > 0
    }
}

impl AddAssign for Round {
    fn add_assign(&mut self, other: Self) {
        self.claimed += other.claimed;
        self.sent += other.sent;
        self.parked += other.parked;
        self.retried += other.retried;
        self.held += other.held;
        self.lost += other.lost;
    }
}

/// Sends the outbox. Any number of them may work on one database, in one process or in many.
pub struct Dispatcher {
    db: Db,
    sink: Arc<dyn Sink>,
    clock: Clock,
    settings: Settings,
    /// Names our leases.
    owner: String,
    nudge: Nudge,
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

/// A new name for leases.
#[expect(
    clippy::disallowed_methods,
    reason = "never compared with anything but itself"
)]
fn owner() -> String {
    Uuid::new_v4().to_string()
}

impl Dispatcher {
    /// A dispatcher that has not started. A lease that is not longer than the sink's longest delivery is raised, with
    /// a warning.
    pub fn new(db: Db, sink: Arc<dyn Sink>, clock: Clock, settings: Settings) -> Self {
        let settings = settings.outliving(sink.longest_delivery());
        Self {
            db,
            sink,
            clock,
            settings,
            owner: owner(),
            nudge: Nudge::new(),
            health: watch::Sender::default(),
        }
    }

    /// Another one over the same outbox, to run in this one's place: whoever nudges this one or looks at its health goes on
    /// with that one. It has none of this one's leases, as after a crash.
    pub fn successor(&self) -> Self {
        Self {
            db: self.db.clone(),
            sink: Arc::clone(&self.sink),
            clock: Arc::clone(&self.clock),
            settings: self.settings.clone(),
            owner: owner(),
            nudge: self.nudge.clone(),
            health: self.health.clone(),
        }
    }

    /// What verbs call after their commit.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// How delivery is going, now and as it changes.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Works until `shutdown`, then finishes the batch in hand, which takes at most the sink's longest delivery.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut prune_at_ms = 0;
        while !shutdown.is_cancelled() {
            let more = match self.run_due_once().await {
                Ok(round) => round.got_on(),
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot reach its table; trying again");
                    false
                }
            };
            let now_ms = (self.clock)();
            if now_ms >= prune_at_ms {
                prune_at_ms = now_ms.saturating_add(PRUNE_EVERY_MS);
                self.prune(now_ms).await;
            }
            if more && !self.health.borrow().is_paused(now_ms) {
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.nudge.woken() => {}
                () = tokio::time::sleep(self.wait(now_ms)) => {}
            }
        }
    }

    /// Dispatches everything that is due by the clock now, batch after batch, until nothing is left or the receiver
    /// has to be left alone. What a test calls in place of [`Self::run`].
    ///
    /// # Errors
    /// Whatever the database says; what was claimed meanwhile is tried again when its lease runs out.
    pub async fn drain(&self) -> Result<Round, sqlx::Error> {
        let mut total = Round::default();
        loop {
            let round = self.run_due_once().await?;
            total += round;
            if !round.got_on() {
                return Ok(total);
            }
        }
    }

    /// One claim, one delivery, one settlement; nothing while the receiver is left alone.
    ///
    /// # Errors
    /// As [`Self::drain`].
    pub async fn run_due_once(&self) -> Result<Round, sqlx::Error> {
        let started_ms = (self.clock)();
        if self.health.borrow().is_paused(started_ms) {
            return Ok(Round::default());
        }
        let lease_until_ms = started_ms.saturating_add(millis(self.settings.lease));
        let claimed = claim(
            &self.db,
            &Claim {
                owner: &self.owner,
                now_ms: started_ms,
                lease_until_ms,
                rows: self.settings.batch.clamp(1, LARGEST_BATCH),
                per_person: self.settings.per_person.max(1),
            },
        )
        .await?;
        if claimed.is_empty() {
            return Ok(Round::default());
        }
        let sent_at_ms = (self.clock)();
        let outcomes = if sent_at_ms.saturating_add(millis(self.sink.longest_delivery())) > lease_until_ms {
            tracing::warn!("the lease was nearly over when the rows were ours; they go again");
            vec![Outcome::Held; claimed.len()]
        } else {
            self.deliver(&claimed, sent_at_ms).await
        };
        let now_ms = (self.clock)();
        let held = outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Held)
            .count();
        let settlements = self.decide(&claimed, outcomes, sent_at_ms, now_ms);
        let lost = self.settle(&settlements, now_ms).await?;
        let amount = |wanted: fn(&Next) -> bool| settlements.iter().filter(|row| wanted(&row.next)).count();
        Ok(Round {
            claimed: claimed.len(),
            sent: amount(|next| matches!(next, Next::Sent)),
            parked: amount(|next| matches!(next, Next::Park(_))),
            retried: amount(|next| matches!(next, Next::Retry { .. })) - held,
            held,
            lost,
        })
    }

    /// One outcome for each claimed row. What the receiver would no longer recognise is parked without being sent.
    async fn deliver(&self, claimed: &[Claimed], sent_at_ms: i64) -> Vec<Outcome> {
        let late = |row: &Claimed| too_late(&self.settings.policy, row.first_unknown_ms, sent_at_ms);
        let batch: Vec<Delivery> = claimed
            .iter()
            .filter(|row| !late(row))
            .map(|row| row.delivery.clone())
            .collect();
        let answers = if batch.is_empty() {
            Vec::new()
        } else {
            self.sink.deliver(&batch, sent_at_ms).await
        };
        self.observe(&answers);
        let mut answers = answers.into_iter();
        claimed
            .iter()
            .map(|row| {
                if late(row) {
                    return Outcome::Park(ParkReason::DedupWindowPassed);
                }
                let silent = || Failure::new(FailureKind::Unknown, "the sink did not say what became of it");
                answers.next().unwrap_or_else(|| Outcome::Retry(silent()))
            })
            .collect()
    }

    fn decide(
        &self,
        claimed: &[Claimed],
        outcomes: Vec<Outcome>,
        sent_at_ms: i64,
        now_ms: i64,
    ) -> Vec<Settlement> {
        let settled = claimed.iter().zip(outcomes).map(|(row, outcome)| {
            let attempt = Attempt {
                attempts: row.attempts,
                first_unknown_ms: row.first_unknown_ms,
                started_ms: sent_at_ms,
                now_ms,
                jitter: (self.settings.jitter)(),
            };
            let next = next(&self.settings.policy, &attempt, outcome);
            if let Next::Park(reason) = &next {
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

    /// Settles, once more if the database failed: what cannot be settled is sent again when its lease runs out.
    async fn settle(&self, settlements: &[Settlement], now_ms: i64) -> Result<usize, sqlx::Error> {
        let lost = match settle(&self.db, &self.owner, settlements, now_ms).await {
            Ok(lost) => lost,
            Err(error) => {
                tracing::warn!(%error, "settling failed; once more");
                settle(&self.db, &self.owner, settlements, now_ms).await?
            }
        };
        if lost > 0 {
            tracing::info!(rows = lost, "rows were no longer ours to settle");
        }
        Ok(lost)
    }

    /// Takes in what the sink's answers say of the receiver.
    fn observe(&self, outcomes: &[Outcome]) {
        let now_ms = (self.clock)();
        let before = self.health.borrow().clone();
        let after = before.after(&self.settings.policy, outcomes, now_ms, (self.settings.jitter)());
        let error = after.last_error.as_deref().unwrap_or_default();
        match after.condition {
            _ if after.failures == before.failures => {}
            Condition::Well => tracing::info!("events are getting through again"),
            Condition::Failing => tracing::warn!(
                error,
                failures = after.failures,
                "a batch failed; it will be retried"
            ),
            Condition::Refused => {
                tracing::error!(
                    error,
                    failures = after.failures,
                    "the receiver refuses our events; they are kept"
                );
            }
            Condition::Misconfigured => {
                tracing::error!(
                    error,
                    "NO EVENT IS BEING SENT until this is put right; all of them are kept"
                );
            }
        }
        self.health.send_replace(after);
    }

    async fn prune(&self, now_ms: i64) {
        match prune(&self.db, now_ms, self.settings.keep_days).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "payloads of sent events were pruned"),
            Err(error) => tracing::error!(%error, "pruning failed; in an hour again"),
        }
    }

    /// Until the next poll, or until the pause is over.
    fn wait(&self, now_ms: i64) -> Duration {
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

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
