//! Settings of the dispatcher: batch sizes and times.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::RetryPolicy;

/// Returns the current time in ms since the epoch.
pub type MillisClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Settings of a dispatcher. The defaults fit Amplitude's free plan.
#[derive(Clone)]
pub struct DispatcherSettings {
    /// Rows per claim, 1 to 1000. Amplitude recommends 10 events per request and allows 1000 events per second on its
    /// free plan. With a round trip of 0.2 s, 10 rows per request would limit delivery to 50 events per second. 100
    /// rows keep a request near 100 kB and send hundreds of events per second. Resending the rest after one event is
    /// rejected stays cheap.
    pub batch: usize,
    /// Rows of one user per claim. The limit keeps a user with a backlog from filling the batch and from exceeding
    /// Amplitude's 30 events per second per user.
    pub per_user: usize,
    /// How long a claim is valid. After a crash during a batch, its rows wait this long. [`crate::Dispatcher::new`]
    /// raises a lease that is shorter than the sink's longest delivery.
    pub lease: Duration,
    /// How often to poll without a wake-up: for due retries, and for rows written by other servers.
    pub poll: Duration,
    /// Days to keep the payload of a sent row.
    pub keep_days: u32,
    /// Waits between attempts.
    pub policy: RetryPolicy,
    /// Returns a random number in 0..1, which spreads each retry.
    pub jitter: fn() -> f64,
}

/// Time reserved for settling after a delivery.
const SETTLE_MARGIN: Duration = Duration::from_secs(10);

impl Default for DispatcherSettings {
    fn default() -> Self {
        Self {
            batch: 100,
            per_user: 10,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            keep_days: 30,
            policy: RetryPolicy::default(),
            jitter: fastrand::f64,
        }
    }
}

impl DispatcherSettings {
    /// Raises the lease above the longest delivery. A shorter lease would send every slow batch twice.
    pub(crate) fn with_lease_above(mut self, longest_delivery: Duration) -> Self {
        let minimum = longest_delivery + SETTLE_MARGIN;
        if self.lease < minimum {
            tracing::warn!(
                lease_ms = self.lease.as_millis(),
                raised_to_ms = minimum.as_millis(),
                "the outbox lease is shorter than the longest delivery; it was raised"
            );
            self.lease = minimum;
        }
        self
    }
}

impl fmt::Debug for DispatcherSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatcherSettings")
            .field("batch", &self.batch)
            .field("per_user", &self.per_user)
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
    fn the_lease_is_longer_than_the_longest_delivery() {
        let lease = |longest| {
            DispatcherSettings::default()
                .with_lease_above(Duration::from_secs(longest))
                .lease
                .as_secs()
        };
        assert_eq!(lease(15), 30, "already long enough");
        assert_eq!(lease(20), 30, "just long enough");
        assert_eq!(lease(90), 100, "raised");
    }
}
