//! The consent choice of an account.

use tracking::{Choice, UserId};

use super::{AccountError, Accounts, store};

impl Accounts {
    /// Stores the choice in the account. It applies to all browsers of the user and to webhooks, which have no browser.
    /// Denying consent parks the user's unsent outbox rows. `Unset` withdraws an earlier choice.
    pub async fn choose_consent(&self, user: UserId, choice: Choice) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        store::set_consent(&mut tx, user, choice, now_ms).await?;
        if choice == Choice::Denied {
            outbox::park_unsent(&mut tx, user, outbox::ParkReason::ConsentWithdrawn, now_ms).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
