//! Local mode: the stand-ins for Amplitude and Stripe, in this process, each on a listener of its own.

use std::net::SocketAddr;
use std::path::Path;

use backend::config::{AmplitudeConfig, StripeConfig};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::startup::StartError;

/// Starts it; it stops with `stop`. Arriving events are checked against the tracking plan.
pub async fn start_amplitude(
    amplitude: &AmplitudeConfig,
    listen: SocketAddr,
    data: &Path,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let settings = amplitude_local::CollectorSettings {
        state: amplitude_local::StateLocation::File(data.join("amplitude.db")),
        api_key: Some(amplitude.api_key.expose_secret().to_owned()),
        secret_key: amplitude
            .secret_key
            .as_ref()
            .map(|key| key.expose_secret().to_owned()),
        plan: Some(tracking::catalog::plan_schema()),
        ..amplitude_local::CollectorSettings::default()
    };
    make_folder(data)?;
    let collector = amplitude_local::open(settings).await?;
    let listener = bind(listen).await?;
    tracing::info!(
        "a local stand-in for Amplitude is at http://localhost:{}",
        listen.port()
    );
    tokio::spawn(async move {
        if let Err(error) = amplitude_local::serve(listener, collector, stop.cancelled_owned()).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the stand-in for Amplitude has ended"
            );
        }
    });
    Ok(())
}

/// Starts it; it stops with `stop`. Its webhooks go to `app`, where this server listens, again and again with these pauses.
pub async fn start_stripe(
    stripe: &StripeConfig,
    listener: TcpListener,
    app: SocketAddr,
    data: &Path,
    webhook_retries_ms: Option<Vec<i64>>,
    stop: CancellationToken,
) -> Result<(), StartError> {
    make_folder(data)?;
    let mut rules = stripe_local::AccountRules::default();
    if let Some(pauses) = webhook_retries_ms {
        rules.webhook_retry_ms = pauses;
    }
    let webhook = stripe
        .webhook_secrets
        .first()
        .map(|secret| stripe_local::WebhookTarget {
            url: format!("http://{app}/webhooks/stripe"),
            secret: secret.expose_secret().to_owned(),
        });
    let settings = stripe_local::StripeStandInSettings {
        state: stripe_local::StateLocation::File(data.join("stripe.db")),
        secret_key: Some(stripe.secret_key.expose_secret().to_owned()),
        public_url: stripe.pages.first().cloned(),
        webhooks: webhook.into_iter().collect(),
        rules,
        // Without a key of Stripe's this is what one asks for, whatever the profile.
        allow_release: true,
        ..stripe_local::StripeStandInSettings::default()
    };
    let stand_in = stripe_local::open(settings).await?;
    if let Some(page) = stripe.pages.first() {
        tracing::info!("a local stand-in for Stripe is at {page}");
    }
    tokio::spawn(async move {
        if let Err(error) = stripe_local::serve(listener, stand_in, stop.cancelled_owned()).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the stand-in for Stripe has ended"
            );
        }
    });
    Ok(())
}

/// A listener, or a sentence that says which port is taken.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| StartError::Listen { address, error })
}

fn make_folder(folder: &Path) -> Result<(), StartError> {
    std::fs::create_dir_all(folder).map_err(|error| StartError::Folder {
        folder: folder.to_owned(),
        error,
    })
}
