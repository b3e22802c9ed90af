//! What the sessions page shows.

use tracking::session_metrics::Comparison;

/// Session metrics of the users who had a server event last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionsReport {
    /// How many users have events.
    pub(super) users: usize,
    /// Stitched and unstitched.
    pub(super) comparison: Comparison,
}
