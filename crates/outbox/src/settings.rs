//! Settings of the dispatcher: batch sizes and times.

use std::fmt;
use std::time::Duration;

use crate::RetryPolicy;

/// Settings of a dispatcher.
#[derive(Clone)]
pub struct DispatcherSettings {
    /// Rows per claim, 1 to 1000. A claim is one request to the receiver, if nothing in it is rejected and it stays below
    /// 900 kB: about 500 events. Amplitude allows 1000 events per second on its free plan; beyond that it answers 429,
    /// and the rows wait 30 seconds.
    pub batch: usize,
    /// Rows of one user per claim. The limit keeps a user with a backlog from filling the batch and from exceeding
    /// Amplitude's 30 events per second per user.
    pub per_user: usize,
    /// Batches that are delivered at the same time, of different users. While the receiver fails, it is one.
    pub in_flight: usize,
    /// How long a claim is valid. After a crash during a batch, its rows wait this long. [`crate::Dispatcher::new`]
    /// raises a lease that is shorter than the sink's longest delivery.
    pub lease: Duration,
    /// How long to wait for more events after the first wake-up, so that they share a claim, a request and a settlement.
    /// After a full batch the next one is claimed at once.
    pub linger: Duration,
    /// How often to poll without a wake-up: for due retries, and for rows written by other servers.
    pub poll: Duration,
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
            batch: 500,
            per_user: 10,
            in_flight: 8,
            lease: Duration::from_secs(30),
            linger: Duration::from_millis(100),
            poll: Duration::from_secs(1),
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
            .field("in_flight", &self.in_flight)
            .field("lease", &self.lease)
            .field("linger", &self.linger)
            .field("poll", &self.poll)
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
