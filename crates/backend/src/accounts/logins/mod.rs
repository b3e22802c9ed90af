//! Where an account is signed in, and ending that from elsewhere. No event tells of it: nobody signed out, the browser
//! that comes with an ended login is a new device from then on.

mod browser;
mod store;

pub use browser::browser_in_words;

use uuid::Uuid;

use super::{AccountError, Accounts, EndedBy, Login};

/// A login in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLogin {
    /// The login.
    pub id: Uuid,
    /// When it began, in ms since the epoch.
    pub created_at: i64,
    /// When somebody last used it, in ms since the epoch, give or take 5 minutes.
    pub last_seen_at: i64,
    /// What the browser calls itself.
    pub user_agent: String,
}

impl Accounts {
    /// The account's open logins, the one used last first.
    pub async fn open_logins(&self, login: &Login) -> Result<Vec<OpenLogin>, AccountError> {
        Ok(store::open(self.db.pool(), login.user.id).await?)
    }

    /// Ends one login of the same account from another. Anybody else's, and one's own, stay as they are.
    pub async fn end_other_login(&self, login: &Login, other: Uuid) -> Result<(), AccountError> {
        if other == login.id {
            return Ok(());
        }
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if store::is_of(&mut tx, other, login.user.id).await? {
            super::store::end_login(&mut tx, other, EndedBy::Revoked, now_ms).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends every login of the account but this one.
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
