//! Results as they change, for pages that stay open. However many pages of a poll are open at a server, it looks into the
//! database once a second, and counts only when something has changed; when the last page is closed it stops looking.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::Db;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{Results, store};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

type Seen = Option<Arc<Results>>;

/// Polls that somebody looks at.
#[derive(Clone)]
pub(super) struct Live {
    db: Db,
    watched: Arc<Mutex<HashMap<Uuid, watch::Sender<Seen>>>>,
}

/// What one page hears.
pub struct Updates(watch::Receiver<Seen>);

impl Updates {
    /// The results at once, and then whenever they have changed; what comes in between is left out. `None`: the poll is
    /// gone.
    pub async fn next(&mut self) -> Option<Arc<Results>> {
        loop {
            self.0.changed().await.ok()?;
            if let Some(results) = self.0.borrow_and_update().clone() {
                return Some(results);
            }
        }
    }
}

impl Live {
    pub(super) fn new(db: Db) -> Self {
        Self {
            db,
            watched: Arc::default(),
        }
    }

    pub(super) fn follow(&self, id: Uuid) -> Updates {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut receiver = match watched.get(&id) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(None);
                watched.insert(id, sender);
                tokio::spawn(self.clone().look(id));
                receiver
            }
        };
        receiver.mark_changed();
        Updates(receiver)
    }

    /// Looks until nobody does any more.
    async fn look(self, id: Uuid) {
        let mut version = None;
        loop {
            let started = Instant::now();
            match self.read(id, version).await {
                Ok(Look::Same) => {}
                Ok(Look::Changed(now, results)) => {
                    version = Some(now);
                    self.tell(id, results);
                }
                Ok(Look::Gone) => {
                    // Whoever listens hears the end.
                    self.watched
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .remove(&id);
                    return;
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot read a poll's results; the next look tries again"
                ),
            }
            sleep_until(started + EVERY).await;
            if self.is_over(id) {
                return;
            }
        }
    }

    async fn read(&self, id: Uuid, known: Option<i64>) -> Result<Look, sqlx::Error> {
        let mut connection = self.db.pool().acquire().await?;
        // Before the count: whatever comes in between is counted again by the next look.
        let Some(version) = store::version(&mut connection, id).await? else {
            return Ok(Look::Gone);
        };
        if known == Some(version) {
            return Ok(Look::Same);
        }
        let found = store::results(&mut connection, id).await?;
        Ok(found.map_or(Look::Gone, |found| Look::Changed(version, found.results)))
    }

    fn tell(&self, id: Uuid, results: Results) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(&id) {
            sender.send_replace(Some(Arc::new(results)));
        }
    }

    /// Whether nobody listens; then it is forgotten, under the same lock under which others begin to listen.
    fn is_over(&self, id: Uuid) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let over = watched.get(&id).is_none_or(|sender| sender.receiver_count() == 0);
        if over {
            watched.remove(&id);
        }
        over
    }
}

/// What a look has found.
enum Look {
    Same,
    Changed(i64, Results),
    Gone,
}
