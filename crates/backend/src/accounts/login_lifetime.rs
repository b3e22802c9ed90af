//! How long a login stays open.

const DAY_MS: i64 = 24 * 3_600_000;
/// A login ends after 30 days without use.
pub(super) const IDLE_MS: i64 = 30 * DAY_MS;
/// A login ends 90 days after the user signed in, however often it is used.
pub(super) const LIFETIME_MS: i64 = 90 * DAY_MS;

/// The times that an open login must have at one moment, in ms since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenBounds {
    /// The user signed in after this time.
    pub(super) signed_in_after_ms: i64,
    /// The login was used after this time.
    pub(super) seen_after_ms: i64,
}

impl OpenBounds {
    pub(super) const fn at(now_ms: i64) -> Self {
        Self {
            signed_in_after_ms: now_ms - LIFETIME_MS,
            seen_after_ms: now_ms - IDLE_MS,
        }
    }
}
