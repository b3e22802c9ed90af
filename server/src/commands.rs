//! The commands of the binary besides `serve`. They return text; `main` prints it.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use backend::accounts::Accounts;
use backend::accounts::operators::{Operator, OperatorError};
use backend::billing::{StripeCallError, StripeClient};
use backend::clock::Clock;
use backend::config::Config;
use backend::dates;
use backend::timeline::{ReadError, Timeline};
use db::Db;
use forms::Email;
use outbox::Wakeup;
use secrecy::ExposeSecret;
use tracking::verdict::{RuleOutcome, Verdict};

/// Creates the missing products, prices and portal configuration on Stripe's account, with a live key too, and logs the IDs.
///
/// # Errors
/// When a call to Stripe fails. Objects that were created before remain; the next run finds them.
pub async fn set_up_stripe(config: &Config) -> Result<(), StripeCallError> {
    crate::startup::install_crypto();
    let catalog = StripeClient::new(&config.stripe)?.create_catalog().await?;
    tracing::info!(
        monthly = catalog.monthly,
        yearly = catalog.yearly,
        portal = catalog.portal,
        "Stripe's account has everything that Seamline sells"
    );
    Ok(())
}

/// How long [`health`] waits for the answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the server is not ready.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The server did not answer.
    #[error("The server at {address} does not answer: {error}.")]
    NoAnswer {
        /// The address that was asked.
        address: SocketAddr,
        /// The client's error.
        error: reqwest::Error,
    },
    /// The server says that it is not ready.
    #[error("The server is not ready: {0}")]
    NotReady(String),
}

/// Asks the server that listens on `LEPTOS_SITE_ADDR` of this machine for `/readyz`.
///
/// # Errors
/// When it does not answer within 5 s, or is not ready.
pub async fn health(config: &Config) -> Result<(), HealthError> {
    crate::startup::install_crypto();
    let address = reachable(config.http.listen);
    let no_answer = |error| HealthError::NoAnswer { address, error };
    let client = reqwest::Client::builder()
        .timeout(HEALTH_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(no_answer)?;
    let url = format!("http://{address}/readyz");
    let response = client.get(url).send().await.map_err(no_answer)?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(HealthError::NotReady(response.text().await.unwrap_or_default()))
}

/// The address under which this machine reaches a listener. `0.0.0.0` and `[::]` are all of the machine's addresses.
const fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}

/// Runs the migrations that the database does not have yet.
///
/// # Errors
/// When the database cannot be opened or migrated.
pub async fn migrate(config: &Config) -> Result<(), db::OpenError> {
    let db = Db::open(config.data.database_url.expose_secret()).await?;
    tracing::info!(engine = ?db.engine(), "the database has the schema of this version");
    db.close().await;
    Ok(())
}

/// Copies the SQLite database to `file`, also while servers use it.
///
/// # Errors
/// When the database is on Postgres or cannot be read, or the file exists or cannot be written.
pub async fn back_up(config: &Config, file: &Path) -> Result<(), db::BackupError> {
    db::back_up(config.data.database_url.expose_secret(), file).await?;
    tracing::info!(file = %file.display(), "the database was copied");
    Ok(())
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerdictError {
    /// Nothing has arrived under this ID.
    #[error("Nothing has arrived under {0}.")]
    UnknownUser(String),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] db::OpenError),
    /// Events or facts cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Returns the verdict on a user's timeline, by user ID, device ID or Amplitude ID. In local mode the app must be running,
/// because the stand-in that stores the events is part of it.
///
/// # Errors
/// When no event has this ID, or events or facts cannot be read.
pub async fn verdict(config: &Config, user: &str) -> Result<Verdict, VerdictError> {
    crate::startup::install_crypto();
    let db = Db::open(config.data.database_url.expose_secret()).await?;
    let timeline = Timeline::new(&config.amplitude, db, Clock::system())?;
    let analysis = timeline.analyze(user).await?;
    let (verdict, _) = analysis.ok_or_else(|| VerdictError::UnknownUser(user.to_owned()))?;
    Ok(verdict)
}

/// Returns the verdict as text for a terminal: a line for each rule, and a line for each finding.
pub fn verdict_text(verdict: &Verdict) -> String {
    let mut text = String::new();
    for ruling in &verdict.rulings {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<10} {} ({})",
            ruling.outcome.as_str(),
            ruling.rule.title(),
            ruling.checked
        );
        for finding in &ruling.findings {
            let event = finding.event.as_ref();
            let name = event.map(|event| {
                format!(
                    "{} {}: ",
                    event.name,
                    event.insert_id.as_deref().unwrap_or(&event.uuid)
                )
            });
            let mark = match finding.outcome {
                RuleOutcome::Broken => "!",
                RuleOutcome::Explained | RuleOutcome::Holds => "·",
            };
            let _ = writeln!(
                text,
                "           {mark} {}{}",
                name.unwrap_or_default(),
                finding.reason
            );
        }
    }
    let word = if verdict.clean { "Clean." } else { "Not clean." };
    let _ = writeln!(text, "{word} {} Of {} events.", verdict.summary(), verdict.events);
    text
}

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
