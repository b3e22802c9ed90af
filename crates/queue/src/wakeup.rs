//! Wakes a worker of the same process when a domain action has committed new rows.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes one waiting worker. Cheap to clone. A lost wake-up only delays delivery until the worker's next poll.
#[derive(Clone, Debug, Default)]
pub struct Wakeup(Arc<Notify>);

impl Wakeup {
    /// Creates a wake-up that no worker waits for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the worker. Call it after the commit; before the commit the worker finds no rows.
    pub fn wake(&self) {
        // `Notify` stores a permit while the worker is busy, so the next `wait` returns at once.
        self.0.notify_one();
    }

    /// Waits for the next `wake`. Returns at once if `wake` was called since the last wait.
    pub async fn wait(&self) {
        self.0.notified().await;
    }
}
