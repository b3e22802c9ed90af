//! What an account that goes asks of billing.

use async_trait::async_trait;
use tracking::UserId;

use crate::billing::Billing;

/// Why billing has not forgotten somebody yet. The sentence goes into a log and a table: it names nobody.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CustomerError(pub String);

/// Forgets customers.
#[async_trait]
pub trait CustomerEraser: Send + Sync {
    /// Ends the account's subscriptions at once and deletes its customer. The account's row is still there; it goes when
    /// this has said yes. Asked again after an error, after a crash, and twice at worst: where nothing is left, it is done.
    async fn erase(&self, account: UserId) -> Result<(), CustomerError>;
}

#[async_trait]
impl CustomerEraser for Billing {
    async fn erase(&self, account: UserId) -> Result<(), CustomerError> {
        // The inherent method: it asks Stripe, then forgets what Stripe told.
        Billing::erase(self, account)
            .await
            .map_err(|error| CustomerError(error.to_string()))
    }
}
