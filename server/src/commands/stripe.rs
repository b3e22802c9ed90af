//! Commands on the Stripe account: the catalog, and webhooks that were missed.

use backend::billing::{Billing, EVENTS_KEPT_SECS, EventReplayError, StripeCallError, StripeClient};
use backend::clock::Clock;
use backend::config::Config;
use db::Db;
use outbox::Wakeup;
use secrecy::ExposeSecret;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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

/// Why `--since` is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinceError {
    /// It is neither a duration nor a time.
    #[error("--since must be a duration such as 3d or 12h, or a time such as 2026-01-31T08:00:00Z.")]
    Unreadable,
    /// It is before the events that Stripe keeps.
    #[error("Stripe keeps events for 30 days: --since must not be longer ago.")]
    TooOld,
    /// It is after now.
    #[error("--since is in the future.")]
    Future,
}

/// Why webhooks were not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayCommandError {
    /// The argument is refused.
    #[error(transparent)]
    Since(#[from] SinceError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] db::OpenError),
    /// The client of Stripe cannot be created.
    #[error(transparent)]
    Client(#[from] StripeCallError),
    /// Stripe or the database failed. What was stored before stays.
    #[error("{0}. Run the command again: events that were stored are not stored twice.")]
    Replay(#[from] EventReplayError),
}

/// Receives the events of Stripe's list since a time or for a duration. Servers may run meanwhile; they apply what is stored.
/// Returns the counts as text.
///
/// # Errors
/// When `since` is refused, or Stripe or the database fails.
pub async fn replay_webhooks(config: &Config, since: &str) -> Result<String, ReplayCommandError> {
    crate::startup::install_crypto();
    let since = parse_since(since, OffsetDateTime::now_utc())?;
    let db = Db::open(config.data.database_url.expose_secret()).await?;
    let billing = Billing::new(config, db.clone(), Clock::system(), Wakeup::new())?;
    let replayed = billing.replay_events(since.unix_timestamp()).await;
    db.close().await;
    let replay = replayed?;
    // A time of the last 30 days has this format.
    let since = since.format(&Rfc3339).unwrap_or_default();
    Ok(format!(
        "Stripe's events since {since}:\n\
         {:>8} stored, for a server to apply\n\
         {:>8} received before\n\
         {:>8} not ours\n",
        replay.stored, replay.duplicates, replay.not_ours
    ))
}

/// Reads a duration before `now`, or a time, in whole seconds.
fn parse_since(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime, SinceError> {
    let since = match humantime::parse_duration(text) {
        Ok(duration) => now.checked_sub(duration.try_into().map_err(|_| SinceError::TooOld)?),
        Err(_) => Some(OffsetDateTime::parse(text, &Rfc3339).map_err(|_| SinceError::Unreadable)?),
    };
    let since = since.and_then(|since| since.replace_nanosecond(0).ok());
    let since = since.ok_or(SinceError::TooOld)?;
    if since > now {
        return Err(SinceError::Future);
    }
    // In whole seconds, `30d` is up to a second older.
    match (now - since).whole_seconds() > EVENTS_KEPT_SECS {
        true => Err(SinceError::TooOld),
        false => Ok(since.to_offset(time::UtcOffset::UTC)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times() {
        let now = OffsetDateTime::parse("2026-03-31T12:00:00.5Z", &Rfc3339).unwrap();
        for (text, expected) in [
            ("3d", Ok("2026-03-28T12:00:00Z")),
            ("30d", Ok("2026-03-01T12:00:00Z")),
            ("1h 30m", Ok("2026-03-31T10:30:00Z")),
            ("2026-03-31T08:00:00Z", Ok("2026-03-31T08:00:00Z")),
            ("2026-03-31T08:00:00+02:00", Ok("2026-03-31T06:00:00Z")),
            ("31d", Err(SinceError::TooOld)),
            ("100000y", Err(SinceError::TooOld)),
            ("2026-02-28T12:00:00Z", Err(SinceError::TooOld)),
            ("2026-03-31T12:00:01Z", Err(SinceError::Future)),
            ("", Err(SinceError::Unreadable)),
            ("3", Err(SinceError::Unreadable)),
            ("-3d", Err(SinceError::Unreadable)),
            ("yesterday", Err(SinceError::Unreadable)),
            ("2026-03-31", Err(SinceError::Unreadable)),
        ] {
            let found = parse_since(text, now).map(|since| since.format(&Rfc3339).unwrap());
            assert_eq!(found, expected.map(str::to_owned), "{text}");
        }
    }
}
