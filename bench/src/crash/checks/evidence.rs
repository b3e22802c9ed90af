//! The inputs of the checks: the app's database, the collector's log, and the visitors.

/// The rows of the app's database that the checks read.
#[derive(Clone, Debug, Default)]
pub struct DatabaseState {
    /// All accounts.
    pub accounts: Vec<AccountRow>,
    /// All logins by start time.
    pub logins: Vec<LoginRow>,
    /// Insert ID and reason of each parked event.
    pub parked: Vec<(String, String)>,
}

/// A row of `users`.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// User ID.
    pub id: String,
    /// Email address.
    pub email: String,
    /// Time of the sign-up, in ms since the epoch.
    pub created_ms: i64,
}

/// A row of `logins`.
#[derive(Clone, Debug)]
pub struct LoginRow {
    /// Login ID.
    pub id: String,
    /// User ID.
    pub user: String,
    /// Start of the login, in ms since the epoch.
    pub created_ms: i64,
    /// Whether a sign-out ended it.
    pub signed_out: bool,
}

/// An event that the collector accepted.
#[derive(Clone, Debug, Default)]
pub struct AcceptedEvent {
    /// Insert ID.
    pub insert_id: String,
    /// The event's name.
    pub name: String,
    /// User ID.
    pub user: String,
    /// Device ID.
    pub device: String,
    /// Time of the event; the text sorts by time.
    pub time: String,
    /// Result of the collector's check against the tracking plan.
    pub plan_status: String,
}

/// One arrival of an event at the collector, accepted or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Insert ID.
    pub insert_id: String,
    /// The event's name.
    pub name: String,
    /// User ID.
    pub user: String,
    /// Device ID.
    pub device: String,
    /// `accepted`, `duplicate`, `refused`, `withheld` or `fault`.
    pub outcome: String,
    /// The status of the answer; `None` when there was none.
    pub answered: Option<u64>,
}

/// A visitor whose sign-up succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUpVisitor {
    /// The email address of the account.
    pub email: String,
    /// The device ID of the visitor's browser.
    pub device: String,
}
