//! What an operator looks at: how events get through, and what got stuck. And what they do: send a parked event after all.
//!
//! Webhooks have their own verbs (`billing::inbox`). Who may look is the pages' decision.

mod store;

pub use outbox::{Condition, Health, OutboxCounts, OutboxEntry, OutboxState, ParkReason, ReplayOutcome};

use db::Db;
use outbox::Wakeup;
use tokio::sync::watch;
use tracking::UserId;

use crate::clock::Clock;

const MINUTE_MS: i64 = 60_000;

/// Minutes that are shown.
const MINUTES: usize = 60;

/// Most parked events that are listed; the latest.
pub const MOST_PARKED: i64 = 50;

/// Events of an account that are looked through for a name.
const NEWEST: i64 = 1_000;

/// The verbs. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    db: Db,
    clock: Clock,
    wakeup: Wakeup,
    health: Option<watch::Receiver<Health>>,
}

/// How server events get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliveries {
    /// The outbox by state.
    pub counts: OutboxCounts,
    /// What was set aside, the latest first, at most [`MOST_PARKED`].
    pub parked: Vec<OutboxEntry>,
    /// The last hour.
    pub hour: LastHour,
    /// What this process's dispatcher last heard; `None` where none runs.
    pub health: Option<Health>,
}

/// Events that arrived in the last hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastHour {
    /// Where the first minute begins, in ms since the epoch.
    pub from_ms: i64,
    /// By minute; the last one is not over yet.
    pub by_minute: Vec<i64>,
}

impl Operations {
    /// Over this database; `wakeup` wakes the outbox after a commit.
    pub fn new(db: Db, clock: Clock, wakeup: Wakeup) -> Self {
        Self {
            db,
            clock,
            wakeup,
            health: None,
        }
    }

    /// The same, with the health of the dispatcher that runs in this process.
    #[must_use]
    pub fn watching(self, health: watch::Receiver<Health>) -> Self {
        Self {
            health: Some(health),
            ..self
        }
    }

    /// How server events get through.
    pub async fn deliveries(&self) -> Result<Deliveries, sqlx::Error> {
        let minute = self.clock.now_ms().div_euclid(MINUTE_MS);
        let from_ms = (minute - (MINUTES as i64 - 1)) * MINUTE_MS;
        let (counts, parked, arrived) = tokio::try_join!(
            outbox::counts(&self.db),
            outbox::parked(&self.db, MOST_PARKED),
            store::sent_by_minute(self.db.pool(), from_ms, MINUTE_MS),
        )?;
        Ok(Deliveries {
            counts,
            parked,
            hour: LastHour {
                from_ms,
                by_minute: by_minute(&arrived),
            },
            health: self.health.as_ref().map(|health| health.borrow().clone()),
        })
    }

    /// Whether an event of this account's is being sent at this moment.
    pub async fn is_being_sent(&self, account: UserId) -> Result<bool, sqlx::Error> {
        let undelivered = outbox::undelivered_of(&self.db, account).await?;
        Ok(undelivered.iter().any(|entry| entry.state == OutboxState::Leased))
    }

    /// How many of this account's newest thousand events have that name, whatever became of them.
    pub async fn told(&self, account: UserId, name: &str) -> Result<usize, sqlx::Error> {
        let events = outbox::events_of(&self.db, account, NEWEST).await?;
        Ok(events.iter().filter(|event| event.event_type == name).count())
    }

    /// Sends a parked event after all, unless its person has withdrawn consent.
    pub async fn replay(&self, insert_id: &str) -> Result<ReplayOutcome, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let replayed = outbox::replay(&mut tx, insert_id, self.clock.now_ms()).await?;
        tx.commit().await?;
        if replayed == ReplayOutcome::Replayed {
            self.wakeup.wake();
        }
        Ok(replayed)
    }
}

/// One number for each minute. What the clock of another server put into the future is left out.
fn by_minute(arrived: &[(i64, i64)]) -> Vec<i64> {
    let mut minutes = vec![0; MINUTES];
    for (minute, events) in arrived {
        let place = usize::try_from(*minute)
            .ok()
            .and_then(|place| minutes.get_mut(place));
        if let Some(place) = place {
            *place = *events;
        }
    }
    minutes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_minute_has_its_number() {
        let minutes = by_minute(&[(-1, 9), (0, 2), (59, 1), (60, 9)]);
        assert_eq!(
            (minutes.len(), minutes[0], minutes[1], minutes[59]),
            (60, 2, 0, 1)
        );
        assert_eq!(minutes.iter().sum::<i64>(), 3);
    }
}
