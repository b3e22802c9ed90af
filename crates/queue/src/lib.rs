//! Durable queues in the application's own database, on SQLite and Postgres.
//!
//! A [`Queue`] is a pair of tables: rows, and lanes. A client inserts a row in the transaction of the change that causes
//! it, with [`Queue::insert`]. A worker claims the first due rows of some lanes under a lease on each lane, does the
//! work without a transaction, and settles the rows. Rows of one lane are processed in order, lanes in parallel.
//! [`JobWorker`] is the loop for queues whose rows are processed one at a time. The README documents the tables, the
//! guarantees, and the handling of each failure.
//!
//! This crate does not know what a row means: its columns beside the queue's are the client's.

mod counts;
mod hold;
mod panics;
mod queue;
mod schedule;
mod store;
#[cfg(test)]
mod tests;
mod trace;
mod wakeup;
mod worker;

pub use counts::{COUNT_LIMIT, QueueCounts};
pub use panics::{AttemptPanicError, MAX_PANICS, PANICKED, catch_panic};
pub use queue::{Claim, ClaimLimits, LaneLease, NewRow, NextRowState, Queue, QueuedRow, RowUpdate};
pub use schedule::{JobFailure, JobPolicy, RetrySchedule};
pub use trace::{TraceContext, continue_trace, install_tracing, is_tracing, trace_parent};
pub use wakeup::Wakeup;
pub use worker::{AttemptError, JobHandler, JobWorker, run_steps};

use std::sync::Arc;

/// Returns the current time in ms since the epoch.
pub type MillisClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Milliseconds of a duration, at most `i64::MAX`.
pub fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
