//! What there is to judge by: what the app wrote down, what the collector did, and what visitors know by themselves.

/// The app's books.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Every account.
    pub accounts: Vec<Account>,
    /// Every login, by the time at which it began.
    pub logins: Vec<Login>,
    /// Insert ID and reason of every parked event.
    pub parked: Vec<(String, String)>,
}

/// A row of `users`.
#[derive(Clone, Debug)]
pub struct Account {
    /// User ID.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// Moment of the sign-up, in ms since the epoch.
    pub created_ms: i64,
}

/// A row of `logins`.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its ID.
    pub id: String,
    /// Whose.
    pub user: String,
    /// Moment at which it began, in ms since the epoch.
    pub created_ms: i64,
    /// Ended by a sign-out.
    pub signed_out: bool,
}

/// An event that the collector took.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// Insert ID.
    pub insert_id: String,
    /// The event's name.
    pub name: String,
    /// User ID.
    pub user: String,
    /// Device ID.
    pub device: String,
    /// When it happened; as text it sorts like the time.
    pub time: String,
    /// What the collector's check against the tracking plan says.
    pub plan: String,
}

/// An arrival of an event, whatever became of it.
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
    /// The status that was answered; `None`: never answered.
    pub answered: Option<u64>,
}

/// What a visitor knows by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The address that they signed up with, and were told so.
    pub email: String,
    /// The device of the browser in which they did.
    pub device: String,
}
