//! Adds, removes and lists operators.

use backend::accounts::Accounts;
use backend::accounts::operators::{Operator, OperatorError};
use backend::clock::Clock;
use backend::config::Config;
use backend::dates;
use db::Db;
use forms::Email;
use outbox::Wakeup;
use secrecy::ExposeSecret;

/// Opens the database of this configuration for the operator commands.
///
/// # Errors
/// When the database cannot be opened.
pub async fn accounts(config: &Config) -> Result<Accounts, db::OpenError> {
    let db = Db::open(config.data.database_url.expose_secret()).await?;
    Ok(Accounts::new(
        db,
        Clock::system(),
        Wakeup::new(),
        config.privacy.track_email,
    ))
}

/// Why an operator command failed.
#[derive(Debug, thiserror::Error)]
pub enum OperatorCommandError {
    /// The argument is no address.
    #[error("This is not an email address. It needs the form name@example.com.")]
    Address,
    /// The account cannot be added or removed, or the database failed.
    #[error(transparent)]
    Operator(#[from] OperatorError),
}

/// Makes the account with this address an operator. Returns the line to print.
///
/// # Errors
/// When no account has the address, or the account has not confirmed it.
pub async fn add_operator(accounts: &Accounts, mail: &str) -> Result<String, OperatorCommandError> {
    let email = address(mail)?;
    accounts.add_operator(&email).await?;
    Ok(format!("{} is an operator.\n", email.as_str()))
}

/// Ends the right of the account with this address. Returns the line to print.
///
/// # Errors
/// When no account has the address, or the account is no operator.
pub async fn remove_operator(accounts: &Accounts, mail: &str) -> Result<String, OperatorCommandError> {
    let email = address(mail)?;
    accounts.remove_operator(&email).await?;
    Ok(format!("{} is no longer an operator.\n", email.as_str()))
}

/// Returns the operators, one a line, with the time of the grant.
///
/// # Errors
/// When the database failed.
pub async fn list_operators(accounts: &Accounts) -> Result<String, OperatorCommandError> {
    let operators = accounts.operators().await?;
    if operators.is_empty() {
        return Ok("No account is an operator.\n".to_owned());
    }
    let line = |operator: &Operator| {
        let since = dates::instant(operator.since_ms);
        format!("{}\tsince {since}\n", operator.email)
    };
    Ok(operators.iter().map(line).collect())
}

fn address(mail: &str) -> Result<Email, OperatorCommandError> {
    Email::parse_known(mail).map_err(|_| OperatorCommandError::Address)
}
