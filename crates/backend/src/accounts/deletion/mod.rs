//! Deleting an account: a small saga.
//!
//! The verb's transaction ends the account for everybody: it is marked, its logins end, its links and its events on their
//! way are dropped, and a row says what is left to do. A [`Deleter`] does that step by step: billing forgets the customer,
//! our tables forget the person, Amplitude is asked last, when nothing of ours can tell it anything new. Each step may be
//! done twice, and each is tried until it works.

mod amplitude;
mod customer;
mod deleter;
mod store;

pub use amplitude::{AmplitudeEraser, EraseError};
pub use customer::{CustomerEraser, CustomerError};
pub use deleter::Deleter;

use forms::{Secret};
use outbox::Nudge;
use tracking::UserId;

use super::{AccountError, Accounts, EndedBy, Login, links};
use crate::mail::{self, Kind};

impl Accounts {
    /// Closes the account for good, if this is its password; the rest follows on its own.
    pub async fn delete_account(&self, password: &Secret, login: &Login) -> Result<(), AccountError> {
        let known = self.check_password(password, login).await?;
        let now_ms = self.clock.now_ms();
        let user = login.user.id;
        let mut tx = self.db.write().await?;
        if !super::store::hold_account(&mut tx, user, &known).await? {
            return Err(super::credentials::wrong_password());
        }
        store::mark_deleted(&mut tx, user, now_ms).await?;
        super::store::end_logins(&mut tx, user, None, EndedBy::Deleted, now_ms).await?;
        links::void(&mut tx, user, now_ms).await?;
        mail::drop_unsent(&mut tx, user).await?;
        outbox::drop_unsent(&mut tx, user, now_ms).await?;
        // Not the account's any more: it goes before this leaves.
        mail::enqueue(
            &mut tx,
            Kind::AccountDeleted,
            None,
            &login.user.email,
            None,
            now_ms,
        )
        .await?;
        store::begin(&mut tx, user, now_ms).await?;
        tx.commit().await?;
        self.post.wake();
        self.errands.wake();
        Ok(())
    }

    /// Whether the account is gone, or about to go.
    pub async fn is_deleted(&self, user: UserId) -> Result<bool, AccountError> {
        Ok(store::is_deleted(self.db.pool(), user).await?)
    }

    /// What wakes a [`Deleter`].
    pub fn deletions_asked_for(&self) -> Nudge {
        self.errands.clone()
    }

    /// What wakes a [`mail::Sender`].
    pub fn mails_written(&self) -> Nudge {
        self.post.clone()
    }
}
