//! The verdict on a user's timeline.

use std::fmt::Write;

use backend::clock::Clock;
use backend::config::Config;
use backend::timeline::{ReadError, Timeline};
use db::Db;
use secrecy::ExposeSecret;
use tracking::verdict::{RuleOutcome, Verdict};

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
    let events = match verdict.events {
        1 => "1 event".to_owned(),
        events => format!("{events} events"),
    };
    let _ = writeln!(text, "{word} {} Of {events}.", verdict.summary());
    text
}
