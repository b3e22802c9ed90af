//! Closes polls whose time has come. Every server does, and each poll is closed by one of them; what came due while none
//! ran is closed when one starts.

use std::time::Duration;

use backend::polls::Polls;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Votes are refused from the very millisecond; this is only how soon everybody hears of it.
const EVERY: Duration = Duration::from_secs(1);

/// Rounds between two removals of polls that nobody can restore any more: an hour.
const CLEAN_UP_EVERY: u32 = 3_600;

/// Goes round until `stop`. An error ends one round, not the loop.
pub async fn run(polls: Polls, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut round = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        match polls.close_due().await {
            Ok(0) => {}
            Ok(closed) => tracing::info!(closed, "polls were closed, because their time had come"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot close a poll whose time has come; the next round tries again"
            ),
        }
        if round % CLEAN_UP_EVERY == 0
            && let Err(error) = polls.clean_up().await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot remove deleted polls; the next hour tries again"
            );
        }
        round = round.wrapping_add(1);
    }
}
