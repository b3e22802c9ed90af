//! The counts of what a dispatcher did.

use std::ops::AddAssign;

/// Row counts of one or several batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DispatchReport {
    /// Rows that were claimed under a lease.
    pub claimed: usize,
    /// Rows that the receiver accepted.
    pub sent: usize,
    /// Rows that were parked.
    pub parked: usize,
    /// Rows whose attempt failed and is retried later.
    pub retried: usize,
    /// Rows that were claimed but not attempted, because an earlier row failed.
    pub held: usize,
    /// Rows that could not be settled: their lease had ended, or they were parked or deleted meanwhile.
    pub lost: usize,
}

impl DispatchReport {
    /// Whether the next batch may find other rows. Held rows alone do not count: they are due again at once, and a loop
    /// would claim the same rows again.
    pub(crate) fn made_progress(self) -> bool {
        self.sent + self.parked + self.retried > 0
    }
}

impl AddAssign for DispatchReport {
    fn add_assign(&mut self, other: Self) {
        self.claimed += other.claimed;
        self.sent += other.sent;
        self.parked += other.parked;
        self.retried += other.retried;
        self.held += other.held;
        self.lost += other.lost;
    }
}
