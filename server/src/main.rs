//! `seamline`: serves the app. Settings come from the environment; `.env.example` lists them.

use std::process::ExitCode;

use backend::config::Config;
use server::{Server, telemetry};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::start();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start(Config::from_env()?).await?;
    tracing::info!("Seamline is at {}", server.public_url());
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    Ok(server.run(stop).await?)
}

/// Ctrl-C, and what a supervisor sends.
async fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        // Without a handler the signal ends the process by itself, as it does by default.
        Err(_) => drop(interrupt.await),
    }
    tracing::info!("stopping: open requests and the batch in hand are finished first");
    stop.cancel();
}
