//! `seamline`: serves the app. Settings come from the environment; `.env.example` lists them.

use std::process::ExitCode;

use backend::config::Config;
use clap::{Parser, Subcommand};
use server::{Server, commands, telemetry};
use tokio_util::sync::CancellationToken;

/// Seamline: hybrid tracking done right. Without a command it serves the app.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the app.
    Serve,
    /// Makes product, prices and portal configuration on Stripe's account, as far as they are missing.
    SetupStripe,
}

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::start();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_env()?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(config).await,
        Command::SetupStripe => Ok(commands::set_up_stripe(&config).await?),
    }
}

async fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start(config).await?;
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
