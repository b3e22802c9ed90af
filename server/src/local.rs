//! Local mode: the stand-ins in this process, and the disturbance lab. A build without the feature `local` has
//! `local_absent.rs` in its place, with the same functions.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use app::lab::LabState;
use backend::Backend;
use backend::config::Config;
use lab::{Lab, LabEnvironment};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::http::listen::{self, ListenError};
use crate::jobs::workers::Workers;
use crate::router::LabRoutes;
use crate::{lab as lab_routes, stand_ins};

/// Why a stand-in does not start.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Its address cannot be used.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// `DATA_DIR` cannot be created.
    #[error("Cannot create the folder {folder}: {error}.")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The stand-in for Amplitude.
    #[error("The stand-in for Amplitude does not start: {0}.")]
    Amplitude(#[from] amplitude_local::CollectorOpenError),
    /// The stand-in for Stripe.
    #[error("The stand-in for Stripe does not start: {0}.")]
    Stripe(#[from] stripe_local::StripeStandInOpenError),
}

/// Starts the stand-ins that the configuration asks for, and writes the address of the stand-in for Stripe into it, for port
/// 0. They end with `stop`. Webhooks go to `app`, with these pauses between two attempts.
///
/// # Errors
/// When a stand-in does not start.
pub async fn start_stand_ins(
    config: &mut Config,
    app: SocketAddr,
    webhook_retries_ms: Option<Vec<i64>>,
    stop: &CancellationToken,
) -> Result<(), LocalError> {
    if config.stripe.local.is_none() && config.amplitude.local.is_none() {
        return Ok(());
    }
    let data = &config.data.dir;
    std::fs::create_dir_all(data).map_err(|error| LocalError::Folder {
        folder: data.clone(),
        error,
    })?;
    if let Some(address) = config.stripe.local {
        let (listener, bound) = listen::bind(address).await?;
        config.stripe.listens_at(bound);
        let stop = stop.clone();
        stand_ins::start_stripe(&config.stripe, listener, app, data, webhook_retries_ms, stop).await?;
    }
    if let Some(address) = config.amplitude.local {
        let (listener, _) = listen::bind(address).await?;
        stand_ins::start_amplitude(&config.amplitude, listener, data, stop.clone()).await?;
    }
    Ok(())
}

/// The disturbance lab, if this is local mode. Cheap to clone.
#[derive(Clone)]
pub struct LocalLab(Option<Lab>);

impl LocalLab {
    /// The lab of this server; without one outside of local mode. A run that is under way ends early with `stop`.
    ///
    /// # Errors
    /// When the HTTP client cannot be created.
    pub fn new(
        config: &Config,
        backend: &Backend,
        workers: &Workers,
        stop: &CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        let environment = LabEnvironment::new(config, backend, Arc::new(workers.clone()))?;
        Ok(Self(
            environment.map(|environment| Lab::new(environment, stop.clone())),
        ))
    }

    /// What scenarios run against; `None` outside of local mode.
    pub fn environment(&self) -> Option<LabEnvironment> {
        self.0.as_ref().map(Lab::environment)
    }

    /// The state that the lab's page shows; `None` outside of local mode.
    pub fn lab_state(&self) -> Option<watch::Receiver<LabState>> {
        self.0.as_ref().map(Lab::watch)
    }

    /// The lab's routes; none outside of local mode.
    pub fn routes(&self) -> LabRoutes {
        self.0.as_ref().map(lab_routes::routes).unwrap_or_default()
    }

    /// Waits, after `stop`, until a run has restored the stand-ins' switches and started the workers again.
    pub async fn ended(&self) {
        if let Some(lab) = &self.0 {
            lab.wait_until_ended().await;
        }
    }
}
