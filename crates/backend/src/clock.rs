//! The clock. Actions read it once and pass the time on as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time in ms since the epoch. A test can use a fixed clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// `None`: the machine's clock.
    fixed: Option<Arc<AtomicI64>>,
    /// How far it is ahead of the machine's clock, in ms.
    ahead_ms: i64,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that is `ahead_ms` ahead of the machine's, or behind it if negative: the clock of another machine.
    pub fn ahead_of_system(ahead_ms: i64) -> Self {
        Self {
            fixed: None,
            ahead_ms,
        }
    }

    /// A clock that shows `now_ms` until it is advanced.
    pub fn fixed(now_ms: i64) -> Self {
        Self {
            fixed: Some(Arc::new(AtomicI64::new(now_ms))),
            ahead_ms: 0,
        }
    }

    /// Advances a fixed clock by `by_ms`. Does nothing to the machine's clock.
    pub fn advance(&self, by_ms: i64) {
        if let Some(fixed) = &self.fixed {
            fixed.fetch_add(by_ms, Ordering::SeqCst);
        }
    }

    /// This clock as a function, for `queue` and `outbox`.
    pub fn into_millis(self) -> queue::MillisClock {
        Arc::new(move || self.now_ms())
    }

    /// The current time in ms since the epoch.
    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the machine's clock"
    )]
    pub fn now_ms(&self) -> i64 {
        let now_ms = match &self.fixed {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        };
        now_ms.saturating_add(self.ahead_ms)
    }
}
