//! What the binary does besides serving.

use std::fmt::Write;

use backend::billing::{StripeCallError, StripeClient};
use backend::clock::Clock;
use backend::config::Config;
use backend::timeline::{ReadError, Timeline};
use db::Db;
use secrecy::ExposeSecret;
use tracking::verdict::{RuleOutcome, Verdict};

/// Makes what is missing of the catalog on Stripe's account, with a live key too, and says what is there.
///
/// # Errors
/// Whatever Stripe says. What was made until then stays, and is found by the next try.
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

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum NoVerdict {
    /// Nothing has arrived under this ID.
    #[error("Nothing has arrived under {0}.")]
    Nobody(String),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] db::OpenError),
    /// Events or facts cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The verdict on all that can be read of a person, by user ID, device ID or Amplitude ID. In local mode the app has to be
/// running: the stand-in that has the events is part of it.
///
/// # Errors
/// When there is nobody of that ID, or events or facts cannot be read.
pub async fn verdict(config: &Config, user: &str) -> Result<Verdict, NoVerdict> {
    crate::startup::install_crypto();
    let db = Db::open(config.data.database_url.expose_secret()).await?;
    let timeline = Timeline::new(&config.amplitude, db, Clock::system())?;
    let judged = timeline.analyze(user).await?;
    let (verdict, _) = judged.ok_or_else(|| NoVerdict::Nobody(user.to_owned()))?;
    Ok(verdict)
}

/// The verdict for somebody at a terminal: a line for each rule, and one for each thing that is out of the ordinary.
pub fn in_lines(verdict: &Verdict) -> String {
    let mut lines = String::new();
    for ruling in &verdict.rulings {
        // Writing to a string does not fail.
        let _ = writeln!(
            lines,
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
                lines,
                "           {mark} {}{}",
                name.unwrap_or_default(),
                finding.reason
            );
        }
    }
    let word = if verdict.clean { "Clean." } else { "Not clean." };
    let _ = writeln!(
        lines,
        "{word} {} Of {} events.",
        verdict.summary(),
        verdict.events
    );
    lines
}
