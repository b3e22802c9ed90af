//! Account deletion, as a sequence of retried steps.
//!
//! [`Accounts::delete_account`] closes the account in one transaction: it marks the account, ends its logins, revokes
//! its links, deletes its unsent events and mails, and writes a row with the first step. A [`Deleter`] runs the steps:
//! it deletes the customer at Stripe, then the user's data in our tables, and finally the data at Amplitude, when no
//! new events can be sent. Each step is idempotent and is retried until it succeeds. A deletion that needs an operator
//! or a setting is parked with the reason, and shown on the operations page.

mod amplitude;
mod customer;
mod deleter;
mod store;

pub use amplitude::{AmplitudeEraser, EraseError};
pub use customer::CustomerEraser;
pub use deleter::Deleter;
pub use queue::QueueCounts;
pub use store::ParkedDeletion;

use forms::Secret;
use outbox::Wakeup;
use tracking::UserId;

use super::{AccountError, Accounts, EndedBy, Login, links};
use crate::mail::{self, MailKind};
use crate::visitor::Visitor;

impl Accounts {
    /// Closes the account permanently and schedules the deletion of its data.
    ///
    /// # Errors
    /// When the password is wrong.
    pub async fn delete_account(
        &self,
        password: &Secret,
        login: &Login,
        visitor: &Visitor,
    ) -> Result<(), AccountError> {
        let current_hash = self.check_password(password, login, visitor).await?;
        let now_ms = self.clock.now_ms();
        let user = login.user.id;
        let mut tx = self.db.write().await?;
        if !super::store::lock_account_if_password(&mut tx, user, &current_hash).await? {
            return Err(super::credentials::wrong_password());
        }
        store::mark_deleted(&mut tx, user, now_ms).await?;
        super::store::end_logins(&mut tx, user, None, EndedBy::Deleted, now_ms).await?;
        links::revoke_all(&mut tx, user, now_ms).await?;
        mail::delete_unsent(&mut tx, user).await?;
        outbox::delete_unsent(&mut tx, user, now_ms).await?;
        // Without the user ID, because the account may be deleted before the mail is sent.
        if login.user.verified {
            let (notice, email) = (MailKind::AccountDeleted, &login.user.email);
            mail::enqueue(&mut tx, notice, None, email, None, now_ms).await?;
        }
        store::insert_deletion(&mut tx, user, now_ms).await?;
        tx.commit().await?;
        self.mail_wakeup.wake();
        self.deletion_wakeup.wake();
        Ok(())
    }

    /// The number of deletions that are not done.
    pub async fn deletion_counts(&self) -> Result<QueueCounts, AccountError> {
        Ok(store::DELETIONS.counts(&self.db).await?)
    }

    /// The deletions that were parked last, newest first, at most `most`.
    pub async fn parked_deletions(&self, most: i64) -> Result<Vec<ParkedDeletion>, AccountError> {
        Ok(store::parked(self.db.pool(), most).await?)
    }

    /// Makes a parked deletion due again. Returns false if it is not parked.
    pub async fn replay_deletion(&self, user: UserId) -> Result<bool, AccountError> {
        let replayed = store::replay(&self.db, Some(user), None, self.clock.now_ms()).await? > 0;
        if replayed {
            self.deletion_wakeup.wake();
        }
        Ok(replayed)
    }

    /// Whether the account is deleted or being deleted.
    pub async fn is_deleted(&self, user: UserId) -> Result<bool, AccountError> {
        Ok(store::is_deleted(self.db.pool(), user).await?)
    }

    /// The wake-up of the [`Deleter`].
    pub fn deletion_wakeup(&self) -> Wakeup {
        self.deletion_wakeup.clone()
    }

    /// The wake-up of the [`CustomerEmailUpdater`](crate::billing::customer_email::CustomerEmailUpdater).
    pub fn customer_email_wakeup(&self) -> Wakeup {
        self.customer_email_wakeup.clone()
    }

    /// The wake-up of the [`mail::Sender`].
    pub fn mail_wakeup(&self) -> Wakeup {
        self.mail_wakeup.clone()
    }
}
