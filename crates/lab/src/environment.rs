//! What a scenario runs against: the app under its own address, both stand-ins, and the server's workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use backend::Backend;
use backend::config::Config;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::ScenarioError;

/// The longest wait for one condition. An upload that hung is tried again earlier.
pub(crate) const WAIT_LIMIT: Duration = Duration::from_secs(100);

/// Pause between two checks of a condition.
pub(crate) const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The server's background workers, as far as the lab stops and starts them.
#[async_trait]
pub trait WorkerControl: Send + Sync {
    /// Aborts all workers, as a crash does: their leases stay until they expire. Returns when they have ended.
    async fn kill(&self);

    /// Starts new workers, if none run.
    fn start(&self);
}

/// What a scenario runs against. Cheap to clone.
#[derive(Clone)]
pub struct LabEnvironment {
    /// Follows no redirect and keeps no cookie: each browser does so itself.
    pub(crate) client: Client,
    /// URL of the app, as browsers use it.
    pub(crate) site: Url,
    /// The key in the pages.
    pub(crate) public_key: String,
    /// URL of the stand-in for Stripe.
    pub(crate) stripe: Url,
    /// Its API key.
    pub(crate) stripe_key: SecretString,
    /// URL of the stand-in for Amplitude.
    pub(crate) amplitude: Url,
    /// For the verdict, the facts and the clock. The steps themselves go over HTTP.
    pub(crate) backend: Backend,
    /// What can be killed.
    pub(crate) workers: Arc<dyn WorkerControl>,
}

impl LabEnvironment {
    /// The environment of this server; `None` outside of local mode.
    ///
    /// # Errors
    /// When the HTTP client cannot be created.
    pub fn new(
        config: &Config,
        backend: &Backend,
        workers: Arc<dyn WorkerControl>,
    ) -> Result<Option<Self>, reqwest::Error> {
        let Some(stripe) = config.stripe.api_url.clone().filter(|_| config.is_local_mode()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            client: http_browser::client()?,
            site: config.http.public_url.clone(),
            public_key: config.amplitude.public_key.clone(),
            stripe,
            stripe_key: config.stripe.secret_key.expose_secret().into(),
            amplitude: config.amplitude.read_url.clone(),
            backend: backend.clone(),
            workers,
        }))
    }

    /// Sleeps until this time, in ms since the epoch.
    pub(crate) async fn sleep_until(&self, time_ms: i64) {
        let wait_ms = time_ms - self.backend.clock.now_ms();
        tokio::time::sleep(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0))).await;
    }
}

/// Calls `check` until it returns a value. Fails after [`WAIT_LIMIT`] with `condition`, and with the first error of `check`.
pub(crate) async fn wait_until<T, Check>(
    condition: String,
    mut check: impl FnMut() -> Check,
) -> Result<T, ScenarioError>
where
    Check: Future<Output = Result<Option<T>, ScenarioError>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = check().await? {
            return Ok(found);
        }
        if started.elapsed() > WAIT_LIMIT {
            return Err(ScenarioError::Timeout(condition));
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}
