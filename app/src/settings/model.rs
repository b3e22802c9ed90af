//! What the settings show, and the forms of their buttons.

use serde::Deserialize;
use uuid::Uuid;

/// What the overview shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The account's address.
    pub email: String,
    /// The address is confirmed.
    pub verified: bool,
    /// Where the account is signed in; the login that was used last comes first.
    pub logins: Vec<LoginSummary>,
}

/// A login in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSummary {
    /// The login's ID.
    pub id: Uuid,
    /// It is the login of this browser.
    pub current: bool,
    /// `Firefox on Linux`.
    pub browser: String,
    /// `Signed in 3 days ago, last used just now`.
    pub when: String,
}

/// Every login of the account except this browser's.
pub const OTHER_LOGINS: &str = "others";

/// The buttons that end logins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct EndLoginForm {
    /// ID of the login to end, or [`OTHER_LOGINS`].
    pub login: String,
}
