//! The wake-up call from a verb to the dispatcher of the same process.

use std::sync::Arc;

use tokio::sync::Notify;

/// Cheap to clone. Waking is a hint: the dispatcher polls as well, so a lost one costs a second and no event.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// A nudge that wakes nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that something was committed. Before the commit the dispatcher would find nothing.
    pub fn wake(&self) {
        // A permit is kept for a dispatcher that is busy, so one that comes during a batch is not lost.
        self.0.notify_one();
    }

    /// Waits until somebody wakes; at once if somebody has since the last time.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}
