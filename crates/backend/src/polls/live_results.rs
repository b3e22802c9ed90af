//! Live poll results for open pages. For each watched poll, a server polls the database once a second, however many
//! pages are open, and counts votes only after a change. It stops when the last page is closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::Db;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{Results, store};

/// The poll interval.
const INTERVAL: Duration = Duration::from_secs(1);

type LatestResults = Option<Arc<Results>>;

/// The polls that pages of this server watch.
#[derive(Clone)]
pub(super) struct LiveResults {
    db: Db,
    watched: Arc<Mutex<HashMap<Uuid, watch::Sender<LatestResults>>>>,
}

/// The updates of one page.
pub struct ResultUpdates(watch::Receiver<LatestResults>);

impl ResultUpdates {
    /// Returns the current results on the first call, then waits for changes. Intermediate results are skipped. Returns
    /// `None` when the poll no longer exists.
    pub async fn next(&mut self) -> Option<Arc<Results>> {
        loop {
            self.0.changed().await.ok()?;
            if let Some(results) = self.0.borrow_and_update().clone() {
                return Some(results);
            }
        }
    }
}

impl LiveResults {
    pub(super) fn new(db: Db) -> Self {
        Self {
            db,
            watched: Arc::default(),
        }
    }

    /// Watches a poll. The first subscriber starts the task that polls the database.
    pub(super) fn subscribe(&self, id: Uuid) -> ResultUpdates {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut receiver = match watched.get(&id) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(None);
                watched.insert(id, sender);
                tokio::spawn(self.clone().watch(id));
                receiver
            }
        };
        receiver.mark_changed();
        ResultUpdates(receiver)
    }

    /// Polls the database until no page watches the poll.
    async fn watch(self, id: Uuid) {
        let mut version = None;
        loop {
            let started = Instant::now();
            match self.read(id, version).await {
                Ok(PollRead::Unchanged) => {}
                Ok(PollRead::Changed(now, results)) => {
                    version = Some(now);
                    self.publish(id, results);
                }
                Ok(PollRead::Missing) => {
                    // Dropping the sender ends the updates of all subscribers.
                    self.watched
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .remove(&id);
                    return;
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot read poll results; retrying"
                ),
            }
            sleep_until(started + INTERVAL).await;
            if self.remove_if_unwatched(id) {
                return;
            }
        }
    }

    async fn read(&self, id: Uuid, known: Option<i64>) -> Result<PollRead, sqlx::Error> {
        let mut connection = self.db.pool().acquire().await?;
        // Read before the results: a change in between is counted again by the next read.
        let Some(version) = store::version(&mut connection, id).await? else {
            return Ok(PollRead::Missing);
        };
        if known == Some(version) {
            return Ok(PollRead::Unchanged);
        }
        let found = store::results(&mut connection, id).await?;
        Ok(found.map_or(PollRead::Missing, |found| {
            PollRead::Changed(version, found.results)
        }))
    }

    fn publish(&self, id: Uuid, results: Results) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(&id) {
            sender.send_replace(Some(Arc::new(results)));
        }
    }

    /// Removes the poll if it has no subscriber. Uses the lock of `subscribe`, so that no new subscriber is lost.
    fn remove_if_unwatched(&self, id: Uuid) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let is_unwatched = watched.get(&id).is_none_or(|sender| sender.receiver_count() == 0);
        if is_unwatched {
            watched.remove(&id);
        }
        is_unwatched
    }
}

/// What one read of the database returned.
enum PollRead {
    Unchanged,
    /// The new version and results.
    Changed(i64, Results),
    Missing,
}
