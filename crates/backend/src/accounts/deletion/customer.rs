//! The billing step of an account deletion.

use async_trait::async_trait;
use tracking::UserId;

use crate::billing::{Billing, BillingError};

/// Why the customer could not be deleted. The message is logged and stored, so it contains no personal data.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CustomerError {
    /// What failed.
    pub message: String,
    /// Whether the same call may succeed later without an operator.
    pub transient: bool,
}

/// Deletes customers.
#[async_trait]
pub trait CustomerEraser: Send + Sync {
    /// Ends the account's subscriptions at once and deletes its customer. The account's row is deleted only after this
    /// succeeds. It may be called again after an error or a crash; it succeeds if nothing is left to delete.
    async fn erase(&self, account: UserId) -> Result<(), CustomerError>;
}

#[async_trait]
impl CustomerEraser for Billing {
    async fn erase(&self, account: UserId) -> Result<(), CustomerError> {
        // The inherent method: it deletes the customer at Stripe, then its local data.
        Billing::erase(self, account)
            .await
            .map_err(|error| CustomerError {
                message: error.to_string(),
                transient: match &error {
                    BillingError::Stripe(error) => error.is_transient(),
                    BillingError::Database(_) => true,
                    _ => false,
                },
            })
    }
}
