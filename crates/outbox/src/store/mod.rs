//! All SQL of this crate: the tables `outbox` and `outbox_lanes`.
//!
//! Both engines run the same statements, except for the row locks of a claim on Postgres. A transaction that adds,
//! claims or parks rows of a user first locks the user's row in `outbox_lanes`. Settling needs no lock, because only
//! the owner of a lease settles its rows.

mod claim;
mod enqueue;
mod maintenance;
mod queries;
mod settle;
#[cfg(test)]
mod tests;

pub(crate) use claim::{ClaimRequest, ClaimedRow, claim};
pub use enqueue::{Enqueued, enqueue};
pub use maintenance::{
    PARKED_KEEP_DAYS, ReplayOutcome, delete_unsent, erase_sent_payloads, park_unsent, prune, replay,
};
pub use queries::{
    OutboxCounts, OutboxEntry, OutboxState, counts, events_of, parked, recent_users, undelivered_of,
};
pub(crate) use settle::{Settlement, settle};

use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

/// Returns `count` placeholders from `$first` for `IN (…)`. SQLite cannot bind an array.
fn placeholders(first: usize, count: usize) -> String {
    (first..first + count)
        .map(|number| format!("${number}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Binds one sequence number per placeholder.
fn bind_all(
    query: Query<'_, Any, AnyArguments>,
    sequences: impl Iterator<Item = i64>,
) -> Query<'_, Any, AnyArguments> {
    sequences.fold(query, |query, sequence| query.bind(sequence))
}
