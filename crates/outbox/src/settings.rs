//! How the dispatcher works: sizes and times.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Policy;

/// The time, in ms since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Sizes and times of a dispatcher. The defaults suit Amplitude's free plan.
#[derive(Clone)]
pub struct Settings {
    /// Rows in one claim, 1 to 1000. Amplitude advises 10 events a request and allows 1000 a second on its free plan. At a round
    /// trip of 0.2 s, tens would be 50 events a second; 100 keep a request near 100 kB, empty a backlog in hundreds a
    /// second, and still cost little when one of them is refused and the rest goes again.
    pub batch: usize,
    /// Rows of one person in one claim: a person with a backlog neither fills the batch nor runs into Amplitude's
    /// 30 events a second per user.
    pub per_person: usize,
    /// How long a claim is ours, and so how long the events of a crash in mid-batch wait. Raised at construction where it is not longer than the sink's longest delivery.
    pub lease: Duration,
    /// How often to look without being nudged: for retries that came due, and for what other servers wrote.
    pub poll: Duration,
    /// Days that a sent row keeps its payload.
    pub keep_days: u32,
    /// Waits between attempts.
    pub policy: Policy,
    /// Spreads retries: a number in 0..1 for each.
    pub jitter: fn() -> f64,
}

/// What settling takes at most, on top of the delivery.
const SETTLE: Duration = Duration::from_secs(10);

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: 100,
            per_person: 10,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            keep_days: 30,
            policy: Policy::default(),
            jitter: fastrand::f64,
        }
    }
}

impl Settings {
    /// With a lease that outlives the longest delivery: a shorter one would send every slow batch twice.
    pub(crate) fn outliving(mut self, longest_delivery: Duration) -> Self {
        let least = longest_delivery + SETTLE;
        if self.lease < least {
            tracing::warn!(
                lease_ms = self.lease.as_millis(),
                raised_to_ms = least.as_millis(),
                "the outbox lease was shorter than its longest delivery; raised"
            );
            self.lease = least;
        }
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("batch", &self.batch)
            .field("per_person", &self.per_person)
            .field("lease", &self.lease)
            .field("poll", &self.poll)
            .field("keep_days", &self.keep_days)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lease_outlives_the_longest_delivery() {
        let lease = |longest| {
            Settings::default()
                .outliving(Duration::from_secs(longest))
                .lease
                .as_secs()
        };
        assert_eq!(lease(15), 30, "long enough as it is");
        assert_eq!(lease(20), 30, "just long enough");
        assert_eq!(lease(90), 100, "raised");
    }
}
