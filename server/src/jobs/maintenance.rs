//! Removes expired rows, every hour and on every server.

use std::time::Duration;

use backend::retention::Retention;
use tokio_util::sync::CancellationToken;

use super::rounds::Rounds;

const INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs until `stop`, which also ends a sweep. An error ends one round, not the loop; the sweeps log it.
pub(crate) async fn run(retention: Retention, stop: CancellationToken) {
    let mut rounds = Rounds::every(INTERVAL, stop.clone());
    while rounds.next().await {
        stop.run_until_cancelled(retention.sweep()).await;
    }
}
