//! Removes expired rows, every hour and on every server.

use std::time::Duration;

use backend::retention::Retention;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs until `stop`. An error ends one round, not the loop; the sweeps log it.
pub(crate) async fn run(retention: Retention, stop: CancellationToken) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            _ = retention.sweep() => {}
        }
    }
}
