//! Local mode: the stand-in for Amplitude, in this process, on a listener of its own.

use std::net::SocketAddr;
use std::path::Path;

use backend::config::Amplitude;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::start_error::StartError;

/// Starts it; it stops with `stop`. Arriving events are checked against the tracking plan.
pub async fn start_amplitude(
    amplitude: &Amplitude,
    listen: SocketAddr,
    data: &Path,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let settings = amplitude_local::Settings {
        state: amplitude_local::State::File(data.join("amplitude.db")),
        api_key: Some(amplitude.api_key.expose_secret().to_owned()),
        secret_key: amplitude
            .secret_key
            .as_ref()
            .map(|key| key.expose_secret().to_owned()),
        plan: Some(tracking::catalog::plan_schema()),
        ..amplitude_local::Settings::default()
    };
    std::fs::create_dir_all(data).map_err(|error| StartError::Folder {
        folder: data.to_owned(),
        error,
    })?;
    let collector = amplitude_local::open(settings).await?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| StartError::Listen {
            address: listen,
            error,
        })?;
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
