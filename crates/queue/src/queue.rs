//! The values of a queue: its tables, a claim, and what settling writes. No SQL and no decisions.

use db::StatementValue;

/// A queue: the names of its tables, and what its rows have beside the columns of every queue (see the README).
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// The table of rows. Its lanes are in the table `<table>_lanes`.
    pub table: &'static str,
    /// The client's columns that a claim reads, separated by commas.
    pub columns: &'static str,
    /// The assignments of the client's columns when a row is done. `$1` is the time in ms since the epoch.
    pub on_done: &'static str,
    /// The assignments of the client's columns when a row is parked, each followed by a comma.
    pub on_parked: &'static str,
}

/// A row to insert.
#[derive(Debug)]
pub struct NewRow {
    pub(crate) lane: String,
    pub(crate) at_ms: i64,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) values: Vec<StatementValue>,
    pub(crate) unique: Option<&'static str>,
}

impl NewRow {
    /// A row that is due at once. `at_ms` is the time of its insertion (ms since the epoch).
    pub fn new(lane: impl Into<String>, at_ms: i64) -> Self {
        let lane = lane.into();
        Self {
            columns: vec!["lane", "enqueued_ms", "next_attempt_ms"],
            values: vec![lane.as_str().into(), at_ms.into(), at_ms.into()],
            lane,
            at_ms,
            unique: None,
        }
    }

    /// Sets a column of the client.
    #[must_use]
    pub fn with(mut self, column: &'static str, value: impl Into<StatementValue>) -> Self {
        self.columns.push(column);
        self.values.push(value.into());
        self
    }

    /// Inserts nothing if a row has the same value in this unique column.
    #[must_use]
    pub fn unless_exists(mut self, column: &'static str) -> Self {
        self.unique = Some(column);
        self
    }
}

/// The size of a claim.
#[derive(Clone, Copy, Debug)]
pub struct ClaimLimits {
    /// The largest number of lanes. A limit below `rows` costs one more query on SQLite.
    pub lanes: usize,
    /// The largest number of rows.
    pub rows: usize,
    /// The largest number of rows of one lane.
    pub per_lane: usize,
    /// How long the lease is valid, in ms.
    pub lease_ms: i64,
}

/// The lease on the lanes of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneLease {
    /// Identifies the claim. No other claim has the same token.
    pub(crate) token: String,
    pub(crate) lanes: Vec<String>,
    /// When the lease ends, in ms since the epoch.
    pub until_ms: i64,
}

impl LaneLease {
    /// The lane of a row of this claim.
    pub fn lane_of<T>(&self, row: &QueuedRow<T>) -> &str {
        self.lanes.get(row.lane).map_or("", String::as_str)
    }
}

/// Rows that are leased to the caller.
#[derive(Debug)]
pub struct Claim<T> {
    /// The lease on the rows' lanes. Settling releases it.
    pub lease: LaneLease,
    /// The rows, oldest first. Never empty.
    pub rows: Vec<QueuedRow<T>>,
}

/// A claimed row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRow<T> {
    /// The index of the row's lane in the lease.
    pub(crate) lane: usize,
    /// The row's number. Rows of one lane are numbered in commit order.
    pub sequence: i64,
    /// Attempts, including the coming one.
    pub attempts: i64,
    /// Earlier attempts that panicked.
    pub panics: i64,
    /// Start of the first earlier attempt of unknown outcome, in ms since the epoch. A crash leaves the outcome unknown.
    pub first_unknown_ms: Option<i64>,
    /// The client's columns.
    pub job: T,
}

impl<T> QueuedRow<T> {
    /// Separates the row from the client's columns.
    pub fn take_job(self) -> (QueuedRow<()>, T) {
        let row = QueuedRow {
            lane: self.lane,
            sequence: self.sequence,
            attempts: self.attempts,
            panics: self.panics,
            first_unknown_ms: self.first_unknown_ms,
            job: (),
        };
        (row, self.job)
    }

    /// The update that gives this row the next state.
    pub fn update(&self, next: NextRowState) -> RowUpdate {
        RowUpdate {
            lane: self.lane,
            sequence: self.sequence,
            next,
        }
    }
}

/// What settling writes to one row of a claim. A row of the claim without an update stays pending, and no attempt is
/// counted.
#[derive(Clone, Debug)]
pub struct RowUpdate {
    pub(crate) lane: usize,
    pub(crate) sequence: i64,
    pub(crate) next: NextRowState,
}

/// The state of a row after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextRowState {
    /// The work is done. Contains the client's name of the final state.
    Done(&'static str),
    /// The row waits for an operator. Contains the reason.
    Park(String),
    /// The row is pending again.
    Retry {
        /// When the next attempt is due, in ms since the epoch.
        at_ms: i64,
        /// Attempts so far.
        attempts: i64,
        /// Attempts that panicked so far.
        panics: i64,
        /// Start of the first attempt of unknown outcome, in ms since the epoch.
        first_unknown_ms: Option<i64>,
        /// The error of this attempt; `None` leaves the last one.
        error: Option<String>,
    },
}

impl NextRowState {
    /// How the attempt ended, for counts: `done`, `retried` or `parked`. A row that is pending again without an error has done
    /// a step of its work.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Done(_) | Self::Retry { error: None, .. } => "done",
            Self::Retry { error: Some(_), .. } => "retried",
            Self::Park(_) => "parked",
        }
    }
}
