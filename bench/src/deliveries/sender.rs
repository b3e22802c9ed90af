//! The sending process of `outbox`: a dispatcher with the settings of the app, and nothing else.

use std::sync::Arc;

use backend::clock::Clock;
use db::Db;
use outbox::{AmplitudeSink, Dispatcher, DispatcherSettings};
use tokio_util::sync::CancellationToken;

use super::API_KEY;

/// Sends the events of the database to `collector`, until the process is killed.
///
/// # Errors
/// When the database cannot be opened or the URL is invalid.
pub async fn run(database: &str, collector: &str) -> Result<(), Box<dyn std::error::Error>> {
    // Installs the TLS provider, which the sink requires.
    http_browser::client()?;
    let sink = AmplitudeSink::new(collector, API_KEY.to_owned().into())?;
    let clock = Clock::system();
    let dispatcher = Dispatcher::new(
        Db::open(database).await?,
        Arc::new(sink),
        Arc::new(move || clock.now_ms()),
        DispatcherSettings::default(),
    );
    dispatcher.run(CancellationToken::new()).await;
    Ok(())
}
