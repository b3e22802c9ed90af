//! Counts for operators. They are bounded, so that their cost does not depend on the size of the queue.

/// The largest count. [`QueueCounts`] counts one row more, which means "more than this".
pub const COUNT_LIMIT: i64 = 10_000;

/// The rows of a queue that are not done, each number at most [`COUNT_LIMIT`] + 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Rows that wait, including the leased ones.
    pub pending: i64,
    /// Rows that a worker has claimed.
    pub leased: i64,
    /// Rows that were parked.
    pub parked: i64,
    /// When the oldest pending row was inserted, in ms since the epoch.
    pub oldest_pending_ms: Option<i64>,
}
