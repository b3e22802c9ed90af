//! The billing step of an account deletion.

use async_trait::async_trait;
use queue::JobFailure;
use tracking::UserId;

use crate::billing::{Billing, BillingError};

/// Deletes customers.
#[async_trait]
pub trait CustomerEraser: Send + Sync {
    /// Ends the account's subscriptions at once and deletes its customer. The account's row is deleted only after this
    /// succeeds. It may be called again after an error or a crash; it succeeds if nothing is left to delete. The failure
    /// is logged and stored, so it contains no personal data.
    async fn erase(&self, account: UserId) -> Result<(), JobFailure>;
}

#[async_trait]
impl CustomerEraser for Billing {
    async fn erase(&self, account: UserId) -> Result<(), JobFailure> {
        // The inherent method: it deletes the customer at Stripe, then its local data.
        Billing::erase(self, account).await.map_err(|error| {
            let is_transient = match &error {
                BillingError::Stripe(error) => error.is_transient(),
                BillingError::Database(_) => true,
                _ => false,
            };
            if is_transient {
                JobFailure::Transient(error.to_string())
            } else {
                JobFailure::Refused(error.to_string())
            }
        })
    }
}
