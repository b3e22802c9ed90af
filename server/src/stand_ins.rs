//! The stand-ins for Amplitude and Stripe in this process, each with its own listener.

use std::net::SocketAddr;
use std::path::Path;

use backend::config::{AmplitudeConfig, StripeConfig};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Starts the stand-in for Amplitude, with its state in the folder `data`. It ends with `stop`. It checks events against the
/// tracking plan.
pub async fn start_amplitude(
    amplitude: &AmplitudeConfig,
    listener: TcpListener,
    data: &Path,
    stop: CancellationToken,
) -> Result<(), amplitude_local::CollectorOpenError> {
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
    let collector = amplitude_local::open(settings).await?;
    if let Some(page) = amplitude.collector_page() {
        tracing::info!("a local stand-in for Amplitude is at {page}");
    }
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

/// Starts the stand-in for Stripe, with its state in the folder `data`. It ends with `stop`. Webhooks go to `app`, with
/// these pauses between two attempts.
pub async fn start_stripe(
    stripe: &StripeConfig,
    listener: TcpListener,
    app: SocketAddr,
    data: &Path,
    webhook_retries_ms: Option<Vec<i64>>,
    stop: CancellationToken,
) -> Result<(), stripe_local::StripeStandInOpenError> {
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
        // A configuration without Stripe's key asks for the stand-in, in a release build too.
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
