//! The consent choice of an account.

use outbox::ParkReason;
use tracking::{Choice, ConsentDefault, UserId, consent};

use super::{AccountError, Accounts, store};
use crate::attribution;

impl Accounts {
    /// Stores the choice in the account. It applies to all browsers of the user and to webhooks, which have no browser.
    /// Denying consent parks the user's unsent outbox rows and deletes where the user came from. `Unset` withdraws an
    /// earlier choice.
    pub async fn choose_consent(&self, user: UserId, choice: Choice) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        store::set_consent(&mut tx, user, choice, now_ms).await?;
        if choice == Choice::Denied {
            deny(&mut tx, user, now_ms).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Parks the user's unsent outbox rows and deletes where the user came from, after a choice against tracking.
pub(super) async fn deny(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    attribution::erase(connection, user).await?;
    outbox::park_unsent(connection, user, ParkReason::ConsentWithdrawn, now_ms).await?;
    Ok(())
}

/// Whether an event at `at_ms` (ms since the epoch) without a browser may be sent: the account must be tracked now and at
/// the time of the event. Consent does not cover events from before it, so a late webhook sends none. Stripe's times are whole
/// seconds: a change in the second of the consent may be from before it, and has no event.
pub(crate) async fn is_tracked_at(
    connection: &mut db::Connection,
    user: UserId,
    at_ms: i64,
    default: ConsentDefault,
) -> Result<bool, sqlx::Error> {
    let choices = store::consent_now_and_at(connection, user, at_ms).await?;
    Ok(choices
        .into_iter()
        .all(|choice| consent::effective(Choice::Unset, Some(choice), false, default).is_granted()))
}
