//! The command-line program `amplitude-local`.

use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode};

use amplitude_local::{CollectorSettings, StateLocation, open, serve};
use clap::Parser;
use local_service::{program, serve::bind_loopback};

/// A local stand-in for Amplitude.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The loopback address to listen on.
    #[arg(long, default_value = "127.0.0.1:12112", env = "AMPLITUDE_LOCAL_ADDR")]
    listen: SocketAddr,
    /// The SQLite file for people and events; without it, a temporary file is deleted at exit.
    #[arg(long)]
    state: Option<PathBuf>,
    /// The accepted API key; without it, any key of 32 letters and digits.
    #[arg(long)]
    api_key: Option<String>,
    /// The secret key that the Dashboard REST API requires; without it, any.
    #[arg(long)]
    secret_key: Option<String>,
    /// A tracking plan (JSON file) to check events against.
    #[arg(long)]
    plan: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    program::run(run(Arguments::parse())).await
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let listener = bind_loopback(arguments.listen).await?;
    let plan = match arguments.plan {
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read the tracking plan {}: {error}", path.display()))?;
            let plan = serde_json::from_str(&text);
            Some(plan.map_err(|error| {
                format!("the tracking plan {} is not valid JSON: {error}", path.display())
            })?)
        }
        None => None,
    };
    let collector = open(CollectorSettings {
        state: arguments
            .state
            .map_or(StateLocation::Temporary, StateLocation::File),
        api_key: arguments.api_key,
        secret_key: arguments.secret_key,
        plan,
        ..CollectorSettings::default()
    })
    .await?;
    tracing::info!("amplitude-local listens on http://{}", listener.local_addr()?);
    serve(listener, collector, program::shutdown_signal()).await?;
    Ok(())
}
