//! The table `outbox`: all of this crate's SQL, and nothing else.
//!
//! One text for both engines, but for the two locks that a claim takes on Postgres. Whoever adds, claims or withdraws
//! rows of a person locks that person's row of `outbox_lanes` first; settling need not, since a lease is its owner's.

mod claim;
mod enqueue;
mod read;
mod settle;
#[cfg(test)]
mod tests;
mod upkeep;

pub(crate) use claim::{Claim, Claimed, claim};
pub use enqueue::{Enqueued, enqueue};
pub use read::{Counts, Entry, State, counts, events_of, newest_people, parked, undelivered_of};
pub(crate) use settle::{Settlement, settle};
pub use upkeep::{Replayed, drop_unsent, forget_sent, park_unsent, prune, replay};

use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

/// `$first, $second, …`: what goes into `IN (…)`, which takes no array on SQLite.
fn placeholders(first: usize, count: usize) -> String {
    (first..first + count)
        .map(|number| format!("${number}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Binds sequence numbers, one for each placeholder.
fn bind_all(
    query: Query<'_, Any, AnyArguments>,
    sequences: impl Iterator<Item = i64>,
) -> Query<'_, Any, AnyArguments> {
    sequences.fold(query, |query, sequence| query.bind(sequence))
}
