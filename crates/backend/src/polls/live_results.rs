//! Live poll results for open pages. For each watched poll, a server counts the votes only after a change, and at most once
//! a second, however many pages are open. It stops when the last page is closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use db::Db;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{Results, store};
use crate::revisions::{Revision, Revisions};

/// The least time between two counts of one poll.
const INTERVAL: Duration = Duration::from_secs(1);

type LatestResults = Option<Arc<Results>>;

/// The polls that pages of this server watch.
#[derive(Clone)]
pub(super) struct LiveResults {
    db: Db,
    revisions: Revisions,
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
            revisions: Revisions::new(db.clone(), store::REVISIONS),
            db,
            watched: Arc::default(),
        }
    }

    /// Watches a poll. The first subscriber starts the task that counts its votes.
    pub(super) fn subscribe(&self, id: Uuid) -> ResultUpdates {
        let mut watched = self.watched();
        let mut receiver = match watched.get(&id) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(None);
                watched.insert(id, sender.clone());
                tokio::spawn(self.clone().watch(id, sender));
                receiver
            }
        };
        receiver.mark_changed();
        ResultUpdates(receiver)
    }

    /// Counts after each change until no page watches the poll, or the poll no longer exists.
    async fn watch(self, id: Uuid, results: watch::Sender<LatestResults>) {
        let mut revision = self.revisions.watch(&id.to_string());
        loop {
            tokio::select! {
                _ = revision.changed() => {}
                () = results.closed() => {}
            }
            if self.remove_if_unwatched(id) {
                return;
            }
            let started = Instant::now();
            // Marked as seen before the results are read: a change in between is counted again.
            if *revision.borrow_and_update() == Revision::Missing {
                // Dropping the senders ends the updates of all subscribers.
                self.watched().remove(&id);
                return;
            }
            match self.read(id).await {
                Ok(Some(found)) => drop(results.send_replace(Some(Arc::new(found)))),
                // The next revision says that the poll is missing.
                Ok(None) => {}
                Err(error) => {
                    revision.mark_changed();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "cannot read poll results; retrying"
                    );
                }
            }
            sleep_until(started + INTERVAL).await;
        }
    }

    async fn read(&self, id: Uuid) -> Result<Option<Results>, sqlx::Error> {
        let mut connection = self.db.pool().acquire().await?;
        Ok(store::results(&mut connection, id)
            .await?
            .map(|found| found.results))
    }

    /// Removes the poll if it has no subscriber. Uses the lock of `subscribe`, so that no new subscriber is lost.
    fn remove_if_unwatched(&self, id: Uuid) -> bool {
        let mut watched = self.watched();
        let is_unwatched = watched.get(&id).is_none_or(|sender| sender.receiver_count() == 0);
        if is_unwatched {
            watched.remove(&id);
        }
        is_unwatched
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<LatestResults>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
