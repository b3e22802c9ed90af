//! Records that this server's build is in use, and removes expired rows, every hour and on every server.

use std::time::Duration;

use backend::Backend;
use tokio_util::sync::CancellationToken;

use super::rounds::Rounds;

const INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs until `stop`, which also ends a sweep. An error ends one round, not the loop; the sweeps log it.
pub(crate) async fn run(backend: Backend, build: String, stop: CancellationToken) {
    let mut rounds = Rounds::every(INTERVAL, stop.clone());
    while rounds.next().await {
        // Its files were stored at the start. Before the sweep, which deletes builds that were not used for two days: this
        // machine may have been suspended.
        if let Err(error) = backend.asset_builds.publish(&build, &[]).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "cannot record that this build is in use; the next round tries again"
            );
        }
        stop.run_until_cancelled(backend.retention.sweep()).await;
    }
}
