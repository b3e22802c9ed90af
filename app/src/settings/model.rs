//! The form of the buttons that end logins.

use serde::Deserialize;

/// Every login of the account except this browser's.
pub const OTHER_LOGINS: &str = "others";

/// The buttons that end logins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct EndLoginForm {
    /// ID of the login to end, or [`OTHER_LOGINS`].
    pub login: String,
}
