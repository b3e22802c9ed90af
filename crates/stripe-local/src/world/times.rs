//! The billing clocks: one for everything, and test clocks for customers of their own.

use serde::{Deserialize, Serialize};

/// The clock of everything that is on no test clock: the wall clock, moved ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GlobalClock {
    pub(crate) id: String,
    /// Seconds ahead of the wall clock.
    pub(crate) ahead: i64,
}

impl GlobalClock {
    pub(crate) const ID: &'static str = "global_clock";
}

impl Default for GlobalClock {
    fn default() -> Self {
        Self {
            id: Self::ID.to_owned(),
            ahead: 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TestClock {
    pub(crate) id: String,
    /// Wall clock, like `deletes_after`.
    pub(crate) created: i64,
    pub(crate) deletes_after: i64,
    pub(crate) frozen_time: i64,
    pub(crate) name: Option<String>,
    /// Where it is going while it advances.
    pub(crate) advancing_to: Option<i64>,
}
