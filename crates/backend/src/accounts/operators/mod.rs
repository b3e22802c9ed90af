//! Operators: accounts that may read every timeline and replay parked work. The command `seamline operator` grants and
//! ends the right; no page and no configuration does. A new address, and a password reset by mail, end it too, because
//! another person may then use the account (docs/decisions/0008-operators.md).

mod store;

use forms::Email;

use super::Accounts;

pub(super) use store::end;

/// An account that is an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The account's address.
    pub email: String,
    /// When the command granted the right, in ms since the epoch.
    pub since_ms: i64,
}

/// Why an operator could not be added or removed. The messages contain no address, because they are logged.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No account has the address.
    #[error("No account has this address. Its owner has to sign up first.")]
    UnknownAddress,
    /// The account's address is not confirmed, so its owner may be another person.
    #[error(
        "The account has not confirmed this address. Its owner has to open the link of the confirmation mail first; /settings sends it again."
    )]
    UnconfirmedAddress,
    /// The account to remove is no operator.
    #[error("The account with this address is no operator.")]
    NotAnOperator,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Accounts {
    /// Makes the account with this address an operator. An operator stays one.
    ///
    /// # Errors
    /// When no account has the address, or the account has not confirmed it.
    pub async fn add_operator(&self, email: &Email) -> Result<(), OperatorError> {
        let mut tx = self.db.write().await?;
        if !store::add(&mut tx, email.keys(), self.clock.now_ms()).await? {
            return Err(match store::exists(&mut tx, email.keys()).await? {
                true => OperatorError::UnconfirmedAddress,
                false => OperatorError::UnknownAddress,
            });
        }
        Ok(tx.commit().await?)
    }

    /// Ends the right of the account with this address.
    ///
    /// # Errors
    /// When no account has the address, or the account is no operator.
    pub async fn remove_operator(&self, email: &Email) -> Result<(), OperatorError> {
        let mut tx = self.db.write().await?;
        if !store::remove(&mut tx, email.keys()).await? {
            return Err(match store::exists(&mut tx, email.keys()).await? {
                true => OperatorError::NotAnOperator,
                false => OperatorError::UnknownAddress,
            });
        }
        Ok(tx.commit().await?)
    }

    /// Returns the operators, ordered by address.
    pub async fn operators(&self) -> Result<Vec<Operator>, OperatorError> {
        Ok(store::all(self.db.pool()).await?)
    }
}
