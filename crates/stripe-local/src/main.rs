//! `stripe-local`: the stand-in as a program of its own.

use std::{error::Error, io::IsTerminal, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use stripe_local::{Settings, State, WebhookTarget, open, serve};
use tokio::{net::TcpListener, signal};

/// A local stand-in for Stripe.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The loopback address to listen on.
    #[arg(long, default_value = "127.0.0.1:12111", env = "STRIPE_LOCAL_ADDR")]
    listen: SocketAddr,
    /// The SQLite file that keeps everything; without it all is gone at the end.
    #[arg(long)]
    state: Option<PathBuf>,
    /// The only API key accepted (sk_test_…); without it, any test key.
    #[arg(long)]
    secret_key: Option<String>,
    /// Where hosted pages are linked to; without it, http://localhost with the port asked.
    #[arg(long)]
    public_url: Option<String>,
    /// A webhook endpoint on this machine that is there from the start.
    #[arg(long, requires = "webhook_secret")]
    webhook: Option<String>,
    /// The secret that its deliveries are signed with (whsec_…).
    #[arg(long, requires = "webhook", env = "STRIPE_LOCAL_WEBHOOK_SECRET")]
    webhook_secret: Option<String>,
    /// Run although this is a release build.
    #[arg(long)]
    allow_release: bool,
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
        return Err(stripe_local::ServeError::NotLoopback(listen.ip()).into());
    }
    let webhook = arguments.webhook.zip(arguments.webhook_secret);
    let stripe = open(Settings {
        state: arguments.state.map_or(State::Temporary, State::File),
        secret_key: arguments.secret_key,
        public_url: arguments.public_url,
        webhooks: webhook
            .into_iter()
            .map(|(url, secret)| WebhookTarget { url, secret })
            .collect(),
        allow_release: arguments.allow_release,
        ..Settings::default()
    })
    .await?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    tracing::info!("stripe-local listens on http://{}", listener.local_addr()?);
    serve(listener, stripe, interrupted()).await?;
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
