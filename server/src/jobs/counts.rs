//! Writes the counts of browsers, and of webhooks that are not ours, every few seconds, and removes keys from limits that no
//! longer need them. At shutdown the server writes the counts once more, when no request is left.

use std::time::Duration;

use backend::Backend;
use tokio_util::sync::CancellationToken;

use super::rounds::Rounds;

/// How long counts wait in memory. A crash loses them.
const INTERVAL: Duration = Duration::from_secs(3);
/// Intervals between two sweeps of the limits.
const SWEEP_EVERY: u32 = 20;

/// Runs until `stop`. An error ends one round, not the loop.
pub(crate) async fn run(backend: Backend, stop: CancellationToken) {
    let mut rounds = Rounds::every(INTERVAL, stop);
    let mut round: u32 = 0;
    while rounds.next().await {
        write(&backend).await;
        round = round.wrapping_add(1);
        if round.is_multiple_of(SWEEP_EVERY) {
            backend.limits.sweep();
        }
    }
}

/// Writes the counts. If it fails, they stay in memory.
pub(crate) async fn write(backend: &Backend) {
    for written in [backend.loss.flush().await, backend.billing.flush_not_ours().await] {
        if let Err(error) = written {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "cannot write the counts of browsers and webhooks");
        }
    }
}
