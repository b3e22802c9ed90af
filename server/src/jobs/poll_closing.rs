//! Closes polls at their closing time. Every server does, and each poll is closed by one of them. A poll that came due
//! while no server ran is closed when one starts.

use std::time::Duration;

use backend::polls::Polls;
use tokio_util::sync::CancellationToken;

use super::rounds::Rounds;

/// Votes are refused from the closing time on. The interval limits how late other users see that the poll is closed.
const INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop`. An error ends one round, not the loop.
pub(crate) async fn run(polls: Polls, stop: CancellationToken) {
    let mut rounds = Rounds::every(INTERVAL, stop);
    while rounds.next().await {
        match polls.close_due().await {
            Ok(0) => {}
            Ok(closed) => tracing::info!(closed, "polls were closed at their closing time"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot close a poll at its closing time; the next round tries again"
            ),
        }
    }
}
