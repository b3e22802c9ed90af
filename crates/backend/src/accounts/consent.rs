//! The person's own choice about tracking, on their account.

use tracking::{Choice, UserId};

use super::{AccountError, Accounts, store};

impl Accounts {
    /// Writes the choice to the account, for every browser of theirs and for webhooks, which see no browser. After a no
    /// nothing leaves any more: what was still to go is parked. `Unset` takes a choice back.
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
