//! The wall clock. This is the only place of the stand-ins that reads the system time; all other code takes it as an
//! argument.

use std::{fmt, sync::Arc, time::UNIX_EPOCH};

/// A source of the current time: the system clock, or a function that a test controls.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl WallClock {
    /// The system clock.
    pub fn system() -> Self {
        Self::from_fn(system_time_ms)
    }

    /// A clock that returns what `now_ms` returns: milliseconds since the Unix epoch.
    pub fn from_fn(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only reader of the system time in the stand-ins"
)]
fn system_time_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
        })
}
