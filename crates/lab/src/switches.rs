//! The stand-ins' switches during a scenario. Other users of the stand-ins share them, so they are restored in every case,
//! also when the run is dropped.

use serde_json::Value;

use crate::environment::LabEnvironment;
use crate::error::ScenarioError;
use crate::stand_ins::{AMPLITUDE, STRIPE, at};

/// The stand-ins' switches during a scenario. Dropping it restores the earlier values.
pub(crate) struct StandInSwitches {
    environment: LabEnvironment,
    /// The values before the scenario; `None` after they were restored.
    saved: Option<SavedSwitches>,
}

struct SavedSwitches {
    webhooks: Value,
    faults: Value,
}

impl StandInSwitches {
    /// Reads and remembers the current values.
    pub(crate) async fn save(environment: &LabEnvironment) -> Result<Self, ScenarioError> {
        let webhooks = at(&environment.stripe, "/_sim/webhooks");
        let webhooks = environment.get(STRIPE, webhooks).await?;
        let faults = at(&environment.amplitude, "/local/faults");
        let faults = environment.get(AMPLITUDE, faults).await?;
        Ok(Self {
            environment: environment.clone(),
            saved: Some(SavedSwitches {
                webhooks: webhooks["switches"].clone(),
                faults: faults["faults"].clone(),
            }),
        })
    }

    /// Sets the webhook switches of the stand-in for Stripe.
    pub(crate) async fn set_webhooks(&self, switches: &Value) -> Result<(), ScenarioError> {
        set_webhooks(&self.environment, switches).await
    }

    /// Sets the faults of the stand-in for Amplitude.
    pub(crate) async fn set_faults(&self, faults: &Value) -> Result<(), ScenarioError> {
        set_faults(&self.environment, faults).await
    }

    /// Restores the saved values, and starts workers if none run.
    pub(crate) async fn restore(mut self) {
        if let Some(saved) = self.saved.take() {
            saved.restore(&self.environment).await;
        }
    }
}

impl Drop for StandInSwitches {
    fn drop(&mut self) {
        let Some(saved) = self.saved.take() else { return };
        let environment = self.environment.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { saved.restore(&environment).await })),
            Err(_) => tracing::error!("the stand-ins' switches were not restored: no runtime"),
        }
    }
}

impl SavedSwitches {
    /// One failure does not prevent the other restore.
    async fn restore(self, environment: &LabEnvironment) {
        environment.workers.start();
        for restored in [
            set_webhooks(environment, &self.webhooks).await,
            set_faults(environment, &self.faults).await,
        ] {
            if let Err(error) = restored {
                tracing::error!(%error, "the switches of a stand-in were not restored");
            }
        }
    }
}

async fn set_webhooks(environment: &LabEnvironment, switches: &Value) -> Result<(), ScenarioError> {
    let url = at(&environment.stripe, "/_sim/webhooks");
    environment.post(STRIPE, url, switches).await?;
    Ok(())
}

async fn set_faults(environment: &LabEnvironment, faults: &Value) -> Result<(), ScenarioError> {
    let url = at(&environment.amplitude, "/local/faults");
    environment.post(AMPLITUDE, url, faults).await?;
    Ok(())
}
