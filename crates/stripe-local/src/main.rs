//! `stripe-local`: the stand-in as a program of its own.

use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use local_service::{program, serve::bind_loopback};
use stripe_local::{Settings, StateLocation, WebhookTarget, open, serve};

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
    program::run(run(Arguments::parse())).await
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let listener = bind_loopback(arguments.listen).await?;
    let webhook = arguments.webhook.zip(arguments.webhook_secret);
    let stripe = open(Settings {
        state: arguments
            .state
            .map_or(StateLocation::Temporary, StateLocation::File),
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
    tracing::info!("stripe-local listens on http://{}", listener.local_addr()?);
    serve(listener, stripe, program::shutdown_signal()).await?;
    Ok(())
}
