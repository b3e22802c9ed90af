//! The open logins of an account, and ending them from another browser. This writes no sign-out event, because the user
//! did not sign out in that browser. A browser whose login was ended becomes a new device.

mod browser;
mod store;

pub use browser::browser_name;

use uuid::Uuid;

use super::{AccountError, Accounts, EndedBy, Login};

const DAY_MS: i64 = 24 * 3_600_000;
/// A login ends after 30 days without use.
pub(super) const IDLE_MS: i64 = 30 * DAY_MS;
/// A login ends 90 days after the user signed in, however often it is used.
const LIFETIME_MS: i64 = 90 * DAY_MS;

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

/// A login that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLogin {
    /// The login's ID.
    pub id: Uuid,
    /// When the user signed in, in ms since the epoch.
    pub signed_in_at_ms: i64,
    /// When the login was last used, in ms since the epoch, to within 5 minutes.
    pub last_seen_at_ms: i64,
    /// The browser's user agent.
    pub user_agent: String,
}

impl OpenLogin {
    /// When the login ends at the latest, in ms since the epoch.
    pub const fn ends_at_ms(&self) -> i64 {
        self.signed_in_at_ms + LIFETIME_MS
    }
}

impl Accounts {
    /// Returns the account's open logins, most recently used first.
    pub async fn open_logins(&self, login: &Login) -> Result<Vec<OpenLogin>, AccountError> {
        let bounds = OpenBounds::at(self.clock.now_ms());
        Ok(store::open(self.db.pool(), login.user.id, bounds).await?)
    }

    /// Ends another login of the same account. Does nothing for the current login and for logins of other accounts.
    pub async fn end_other_login(&self, login: &Login, other: Uuid) -> Result<(), AccountError> {
        if other == login.id {
            return Ok(());
        }
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if store::belongs_to(&mut tx, other, login.user.id).await? {
            super::store::end_login(&mut tx, other, EndedBy::Revoked, now_ms).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends every login of the account except this one. Returns the number of logins.
    pub async fn end_other_logins(&self, login: &Login) -> Result<u64, AccountError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let ended =
            super::store::end_logins(&mut tx, login.user.id, Some(login.id), EndedBy::Revoked, now_ms)
                .await?;
        tx.commit().await?;
        Ok(ended)
    }
}
