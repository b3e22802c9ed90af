//! The open logins of an account, and ending them from another browser. This writes no sign-out event, because the user
//! did not sign out in that browser. A browser whose login was ended becomes a new device.

mod browser;
mod store;

pub use browser::browser_name;

use uuid::Uuid;

use super::login_lifetime::{LIFETIME_MS, OpenBounds};
use super::{AccountError, Accounts, EndedBy, Login};

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
