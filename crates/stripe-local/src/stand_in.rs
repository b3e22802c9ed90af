//! The handle on a running stand-in: settings, records, state file and HTTP client.
//!
//! `run` executes one operation at a time and saves its changes. `http` adds the router, `server` the listener.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use local_service::StateError;
use tokio::sync::{Mutex, Notify};

use crate::{
    api_error::ApiError,
    delivery_client::delivery_client,
    engine::{Cause, Operation, register_configured_endpoints},
    records::Records,
    safety::{is_loopback_url, is_test_key},
    settings::{StripeStandInOpenError, StripeStandInSettings},
    store::RecordStore,
};

/// A running stand-in for one Stripe account. Clones are cheap and share one state.
#[derive(Clone)]
pub struct StripeStandIn {
    inner: Arc<Inner>,
}

struct Inner {
    settings: StripeStandInSettings,
    store: RecordStore,
    records: Mutex<Records>,
    client: reqwest::Client,
    /// Notified when there may be webhooks to deliver.
    delivery_wakeup: Notify,
    is_stopped: AtomicBool,
}

/// Opens a stand-in with the state file that the settings name. A missing file is created.
///
/// # Errors
/// The settings have a live key or a webhook endpoint on another machine, this is a release build without
/// `allow_release`, or the state file cannot be used.
pub async fn open(settings: StripeStandInSettings) -> Result<StripeStandIn, StripeStandInOpenError> {
    if !cfg!(debug_assertions) && !settings.allow_release {
        return Err(StripeStandInOpenError::Release);
    }
    if settings
        .secret_key
        .as_deref()
        .is_some_and(|key| !is_test_key(key))
    {
        return Err(StripeStandInOpenError::NotATestKey);
    }
    if let Some(foreign) = settings
        .webhooks
        .iter()
        .find(|target| !is_loopback_url(&target.url))
    {
        return Err(StripeStandInOpenError::ForeignWebhook(foreign.url.clone()));
    }
    let client = delivery_client().map_err(StripeStandInOpenError::Client)?;
    let store = RecordStore::open(&settings.state).await?;
    let mut records = Records::new(settings.seed);
    store.load(&mut records).await?;
    register_configured_endpoints(&mut records, &settings);
    store.write(&records.changes()).await.map_err(StateError::from)?;
    records.commit();
    Ok(StripeStandIn {
        inner: Arc::new(Inner {
            settings,
            store,
            records: Mutex::new(records),
            client,
            delivery_wakeup: Notify::new(),
            is_stopped: AtomicBool::new(false),
        }),
    })
}

impl StripeStandIn {
    /// Stops deliveries, waits for running statements and closes the state file.
    pub async fn close(&self) {
        self.stop();
        self.inner.store.close().await;
    }

    /// Asks the delivery loop to end.
    pub(crate) fn stop(&self) {
        self.inner.is_stopped.store(true, Ordering::SeqCst);
        self.inner.delivery_wakeup.notify_one();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.inner.is_stopped.load(Ordering::SeqCst)
    }

    pub(crate) fn settings(&self) -> &StripeStandInSettings {
        &self.inner.settings
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.inner.client
    }

    pub(crate) fn delivery_wakeup(&self) -> &Notify {
        &self.inner.delivery_wakeup
    }

    /// Runs all due steps, then one operation. The changes of the operation are saved together, or undone if it fails.
    ///
    /// The operation completes even if the caller is dropped. Fails with the operation's error, or with an internal error
    /// if the operation panics or the state file cannot be written.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        base_url: String,
        cause: Cause,
        action: impl FnOnce(&mut Operation<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let stand_in = self.clone();
        let task = tokio::spawn(async move { stand_in.run_locked(&base_url, cause, action).await });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "an operation panicked");
            Err(ApiError::internal())
        })
    }

    async fn run_locked<T>(
        &self,
        base_url: &str,
        cause: Cause,
        action: impl FnOnce(&mut Operation<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut records = self.inner.records.lock().await;
        // Undoes the changes of an operation that panicked.
        records.rollback();
        self.run_due_steps(&mut records).await?;
        let wall_ms = self.inner.settings.clock.now_ms();
        let rules = &self.inner.settings.rules;
        let result = action(&mut Operation::new(&mut records, rules, wall_ms, base_url, cause));
        match result {
            Ok(value) => {
                self.commit(&mut records).await?;
                // The operation may have made steps due. A failure is logged, and the next operation tries again.
                let _ = self.run_due_steps(&mut records).await;
                Ok(value)
            }
            Err(error) => {
                records.rollback();
                Err(error)
            }
        }
    }

    async fn run_due_steps(&self, records: &mut Records) -> Result<(), ApiError> {
        let wall_ms = self.inner.settings.clock.now_ms();
        let rules = &self.inner.settings.rules;
        let result = Operation::new(records, rules, wall_ms, "", Cause::default()).run_due_steps();
        if let Err(error) = result {
            tracing::error!(error = error.message(), "due steps failed");
            records.rollback();
            return Err(ApiError::internal());
        }
        self.commit(records).await
    }

    async fn commit(&self, records: &mut Records) -> Result<(), ApiError> {
        let changes = records.changes();
        if changes.is_empty() {
            records.commit();
            return Ok(());
        }
        if let Err(error) = self.inner.store.write(&changes).await {
            tracing::error!(%error, "the state file cannot be written");
            records.rollback();
            return Err(ApiError::internal());
        }
        records.commit();
        self.inner.delivery_wakeup.notify_one();
        Ok(())
    }
}
