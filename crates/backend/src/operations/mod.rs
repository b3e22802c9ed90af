//! Operations: the state of event delivery, and the replay of parked events.
//!
//! Webhooks have their own actions in `billing::inbox`. The pages decide who has access.

mod store;
mod tasks;

pub use outbox::{
    COUNT_LIMIT, Condition, Health, OutboxCounts, OutboxEntry, OutboxState, ParkReason, ReplayOutcome,
};
pub use tasks::{TaskPolicy, TaskRegistry, TaskState, TaskStatus};

use db::Db;
use outbox::Wakeup;
use tokio::sync::watch;
use tracking::UserId;

use crate::attribution::CampaignReport;
use crate::clock::Clock;

const MINUTE_MS: i64 = 60_000;

/// Minutes that are counted.
const MINUTES: usize = 60;

/// The most parked events to list, newest first.
pub const MOST_PARKED: i64 = 50;

/// How many of an account's events are searched by name.
const NEWEST: i64 = 1_000;

/// The operators' actions. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    db: Db,
    clock: Clock,
    wakeup: Wakeup,
    health: Option<watch::Receiver<Health>>,
    tasks: Option<TaskRegistry>,
}

/// State of the delivery of server events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliveries {
    /// The outbox by state.
    pub counts: OutboxCounts,
    /// Parked events, newest first, at most [`MOST_PARKED`].
    pub parked: Vec<OutboxEntry>,
    /// The last hour.
    pub hour: LastHour,
    /// Health of this process's dispatcher; `None` if none runs here.
    pub health: Option<Health>,
    /// The background tasks of this process, by name.
    pub tasks: Vec<TaskStatus>,
}

/// Events delivered in the last hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastHour {
    /// Start of the first minute, in ms since the epoch.
    pub from_ms: i64,
    /// Events in each minute. The last minute is not over yet.
    pub by_minute: Vec<i64>,
}

impl Operations {
    /// Creates the actions for this database. `wakeup` wakes the outbox's dispatcher.
    pub fn new(db: Db, clock: Clock, wakeup: Wakeup) -> Self {
        Self {
            db,
            clock,
            wakeup,
            health: None,
            tasks: None,
        }
    }

    /// Adds the health of the dispatcher that runs in this process, and the process's background tasks.
    #[must_use]
    pub fn watching(self, health: watch::Receiver<Health>, tasks: TaskRegistry) -> Self {
        Self {
            health: Some(health),
            tasks: Some(tasks),
            ..self
        }
    }

    /// Reads the state of the delivery.
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
            tasks: self
                .tasks
                .as_ref()
                .map(TaskRegistry::statuses)
                .unwrap_or_default(),
        })
    }

    /// Sign-ups, trials, conversions, revenue and refunds by campaign.
    pub async fn campaigns(&self) -> Result<CampaignReport, sqlx::Error> {
        CampaignReport::read(&self.db).await
    }

    /// Whether an event of this account is being sent now.
    pub async fn is_being_sent(&self, account: UserId) -> Result<bool, sqlx::Error> {
        let connection = &mut *self.db.pool().acquire().await?;
        let rows = outbox::undelivered_of(account).fetch(connection).await?;
        let undelivered = outbox::read_entries(&rows)?;
        Ok(undelivered.iter().any(|entry| entry.state == OutboxState::Leased))
    }

    /// How many of the account's newest 1,000 events have this name, in any state.
    pub async fn count_events(&self, account: UserId, name: &str) -> Result<usize, sqlx::Error> {
        let events = outbox::events_of(&self.db, account, NEWEST).await?;
        Ok(events.iter().filter(|event| event.event_type == name).count())
    }

    /// Makes a parked event pending again, unless its user has withdrawn consent.
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

/// One number for each minute. Events in the future, by the clock of another server, are omitted.
fn by_minute(arrived: &[(i64, i64)]) -> Vec<i64> {
    let mut minutes = vec![0; MINUTES];
    for (minute, events) in arrived {
        let index = usize::try_from(*minute)
            .ok()
            .and_then(|index| minutes.get_mut(index));
        if let Some(index) = index {
            *index = *events;
        }
    }
    minutes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_by_minute() {
        let minutes = by_minute(&[(-1, 9), (0, 2), (59, 1), (60, 9)]);
        assert_eq!(
            (minutes.len(), minutes[0], minutes[1], minutes[59]),
            (60, 2, 0, 1)
        );
        assert_eq!(minutes.iter().sum::<i64>(), 3);
    }
}
