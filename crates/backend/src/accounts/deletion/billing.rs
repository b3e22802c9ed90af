//! What an account that goes asks of billing.

use async_trait::async_trait;
use tracking::UserId;

/// Why billing has not forgotten somebody yet. The sentence goes into a log and a table: it names nobody.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BillingError(pub String);

/// Forgets customers.
#[async_trait]
pub trait Billing: Send + Sync {
    /// Cancels the account's subscriptions at once and deletes its customer. The account's row is still there; it goes when
    /// this has said yes. Asked again after an error, after a crash, and twice at worst: where nothing is left, it is done.
    async fn forget(&self, user: UserId) -> Result<(), BillingError>;
}

/// For a site that bills nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBilling;

#[async_trait]
impl Billing for NoBilling {
    async fn forget(&self, _user: UserId) -> Result<(), BillingError> {
        Ok(())
    }
}
