//! `amplitude-local`: the stand-in as a program of its own.

use std::{error::Error, io::IsTerminal, net::SocketAddr, path::PathBuf, process::ExitCode};

use amplitude_local::{Settings, State, open, serve};
use clap::Parser;
use tokio::{net::TcpListener, signal};

/// A local stand-in for Amplitude.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The loopback address to listen on.
    #[arg(long, default_value = "127.0.0.1:12112", env = "AMPLITUDE_LOCAL_ADDR")]
    listen: SocketAddr,
    /// The SQLite file that keeps people and events; without it they are gone at the end.
    #[arg(long)]
    state: Option<PathBuf>,
    /// The only API key accepted; without it, any of 32 letters and digits.
    #[arg(long)]
    api_key: Option<String>,
    /// The secret key that the reading APIs ask for; without it, any.
    #[arg(long)]
    secret_key: Option<String>,
    /// A tracking plan (JSON) to check arriving events against.
    #[arg(long)]
    plan: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let listen = arguments.listen;
    if !listen.ip().is_loopback() {
        return Err(amplitude_local::ServeError::NotLoopback(listen.ip()).into());
    }
    let plan = match arguments.plan {
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read the plan {}: {error}", path.display()))?;
            let plan = serde_json::from_str(&text);
            Some(plan.map_err(|error| format!("the plan {} is no JSON: {error}", path.display()))?)
        }
        None => None,
    };
    let collector = open(Settings {
        state: arguments.state.map_or(State::Temporary, State::File),
        api_key: arguments.api_key,
        secret_key: arguments.secret_key,
        plan,
        ..Settings::default()
    })
    .await?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    tracing::info!("amplitude-local listens on http://{}", listener.local_addr()?);
    serve(listener, collector, interrupted()).await?;
    Ok(())
}

/// Resolves with the first SIGINT or SIGTERM.
async fn interrupted() {
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = signal::ctrl_c() => {}
        () = terminated => {}
    }
}
