//! What is done now and then, by every server alike: nothing here minds being done twice.

use std::time::Duration;

use backend::Backend;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(3_600);

/// Removes what has expired, every hour, and payloads of webhooks and counts of browsers after `keep_days`. An error ends
/// one round, not the loop.
pub async fn run(backend: Backend, keep_days: u32, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {
                if let Err(error) = backend.accounts.clean_up().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot clean up; the next round tries again");
                }
                if let Err(error) = backend.billing.prune(keep_days).await {
                    tracing::warn!(%error, "cannot prune webhooks; the next round tries again");
                }
                if let Err(error) = backend.loss.prune(keep_days).await {
                    tracing::warn!(%error, "cannot prune counts of browsers; the next round tries again");
                }
            }
        }
    }
}
