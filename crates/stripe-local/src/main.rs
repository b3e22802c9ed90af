//! The command-line program `stripe-local`.

use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use local_service::{program, serve::bind_loopback};
use stripe_local::{StateLocation, StripeStandInSettings, WebhookTarget, open, serve};

/// A local stand-in for Stripe.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The loopback address to listen on.
    #[arg(long, default_value = "127.0.0.1:12111", env = "STRIPE_LOCAL_ADDR")]
    listen: SocketAddr,
    /// The SQLite state file. Without it the state is temporary.
    #[arg(long)]
    state: Option<PathBuf>,
    /// The only accepted API key (sk_test_…). Without it any test key is accepted.
    #[arg(long)]
    secret_key: Option<String>,
    /// The origin of hosted pages. Without it http://localhost with the requested port.
    #[arg(long)]
    public_url: Option<String>,
    /// The URL of a webhook endpoint on this machine.
    #[arg(long, requires = "webhook_secret")]
    webhook: Option<String>,
    /// The signing secret of the webhook endpoint (whsec_…).
    #[arg(long, requires = "webhook", env = "STRIPE_LOCAL_WEBHOOK_SECRET")]
    webhook_secret: Option<String>,
    /// Allow a release build to run.
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
    let stand_in = open(StripeStandInSettings {
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
        ..StripeStandInSettings::default()
    })
    .await?;
    tracing::info!("stripe-local listens on http://{}", listener.local_addr()?);
    serve(listener, stand_in, program::shutdown_signal()).await?;
    Ok(())
}
