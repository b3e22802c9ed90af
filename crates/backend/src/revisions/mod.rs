//! Waiting for changes of rows that other servers may make. One task of the process reads the revisions of all rows that
//! pages wait for, with one query a second, however many pages wait. A change made by this process is read at once.
//! While no page waits, nothing is read. It does not know what a revision counts.

mod store;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use db::Db;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

const INTERVAL: Duration = Duration::from_secs(1);

/// What is known about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    /// It has not been read yet.
    Unread,
    /// It does not exist.
    Missing,
    /// It grows with each change.
    At(i64),
}

/// The rows of one query that pages of this process wait for. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Revisions {
    db: Db,
    /// Returns key and revision (a BIGINT) of each row whose key is one of `{keys}`.
    query: &'static str,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    watched: Mutex<Watched>,
    /// Wakes the task.
    wakeup: Notify,
}

#[derive(Default)]
struct Watched {
    rows: HashMap<String, watch::Sender<Revision>>,
    /// Rows to read at once.
    due: HashSet<String>,
    is_task_running: bool,
}

impl Revisions {
    pub(crate) fn new(db: Db, query: &'static str) -> Self {
        Self {
            db,
            query,
            shared: Arc::default(),
        }
    }

    /// Watches a row while the receiver exists. The row is read at once, unless it is watched already.
    pub(crate) fn watch(&self, key: &str) -> watch::Receiver<Revision> {
        let mut watched = self.watched();
        if let Some(sender) = watched.rows.get(key) {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(Revision::Unread);
        watched.rows.insert(key.to_owned(), sender);
        watched.due.insert(key.to_owned());
        if !std::mem::replace(&mut watched.is_task_running, true) {
            tokio::spawn(self.clone().run());
        }
        self.shared.wakeup.notify_one();
        receiver
    }

    /// Reads the row again if it is watched. Call it after the commit of a change.
    pub(crate) fn changed(&self, key: &str) {
        let mut watched = self.watched();
        if watched.rows.contains_key(key) && watched.due.insert(key.to_owned()) {
            self.shared.wakeup.notify_one();
        }
    }

    /// Reads until no row is watched.
    async fn run(self) {
        let mut next_round = Instant::now() + INTERVAL;
        loop {
            let is_round = Instant::now() >= next_round;
            if is_round {
                next_round = Instant::now() + INTERVAL;
            }
            let Some(keys) = self.keys_to_read(is_round) else {
                return;
            };
            match store::read(self.db.pool(), self.query, &keys).await {
                Ok(found) => self.publish(&keys, &found),
                // The next round reads them again.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot read whether a waiting page's data changed; retrying"
                ),
            }
            tokio::select! {
                () = sleep_until(next_round) => {}
                () = self.shared.wakeup.notified() => {}
            }
        }
    }

    /// The rows to read now: in a round all watched ones. `None` if no row is watched any more; the task then ends.
    fn keys_to_read(&self, is_round: bool) -> Option<Vec<String>> {
        let mut watched = self.watched();
        watched.rows.retain(|_, sender| sender.receiver_count() > 0);
        let due = std::mem::take(&mut watched.due);
        if watched.rows.is_empty() {
            watched.is_task_running = false;
            return None;
        }
        Some(if is_round {
            watched.rows.keys().cloned().collect()
        } else {
            due.into_iter()
                .filter(|key| watched.rows.contains_key(key))
                .collect()
        })
    }

    fn publish(&self, keys: &[String], found: &HashMap<String, i64>) {
        let watched = self.watched();
        for key in keys {
            if let Some(sender) = watched.rows.get(key) {
                let now = found
                    .get(key)
                    .map_or(Revision::Missing, |revision| Revision::At(*revision));
                sender.send_if_modified(|known| std::mem::replace(known, now) != now);
            }
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
