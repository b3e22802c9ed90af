//! The rounds of a periodic job.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// The first round starts at once, each later one a period after the one before, until the server stops. A round that takes
/// longer than the period delays the next one.
pub(super) struct Rounds {
    interval: Interval,
    stop: CancellationToken,
}

impl Rounds {
    pub(super) fn every(period: Duration, stop: CancellationToken) -> Self {
        let mut interval = tokio::time::interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { interval, stop }
    }

    /// Waits for the next round. Returns false when the server stops.
    pub(super) async fn next(&mut self) -> bool {
        self.stop
            .run_until_cancelled(self.interval.tick())
            .await
            .is_some()
    }
}
