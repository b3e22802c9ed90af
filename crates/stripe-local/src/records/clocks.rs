//! The billing clocks: the global clock, and test clocks for single customers.

use serde::{Deserialize, Serialize};

/// The clock of all customers without a test clock. It is ahead of the wall clock by a fixed time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GlobalClockRecord {
    pub(crate) id: String,
    #[serde(rename = "ahead")]
    pub(crate) ahead_secs: i64,
}

impl GlobalClockRecord {
    pub(crate) const ID: &'static str = "global_clock";
}

impl Default for GlobalClockRecord {
    fn default() -> Self {
        Self {
            id: Self::ID.to_owned(),
            ahead_secs: 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TestClockRecord {
    pub(crate) id: String,
    /// Wall clock, also for `deletes_after`.
    pub(crate) created: i64,
    pub(crate) deletes_after: i64,
    pub(crate) frozen_time: i64,
    pub(crate) name: Option<String>,
    /// The target time while the clock advances.
    pub(crate) advancing_to: Option<i64>,
}
