//! The stand-ins' switches while a life is lived. They are everybody's: they are put back as they were, whatever becomes of
//! the life, and also when nobody waits for it any more.

use serde_json::Value;

use super::stage::{AMPLITUDE, STRIPE, Stage, Trouble, at};

/// The stand-ins' switches while a life is lived.
pub(super) struct Switches {
    stage: Stage,
    /// As they were before; `None`: they are so again.
    before: Option<Before>,
}

struct Before {
    webhooks: Value,
    faults: Value,
}

impl Switches {
    /// Takes them, and remembers how they stand.
    pub(super) async fn take(stage: &Stage) -> Result<Self, Trouble> {
        let webhooks = stage.read(STRIPE, at(&stage.stripe, "/_sim/webhooks")).await?;
        let faults = stage
            .read(AMPLITUDE, at(&stage.amplitude, "/local/faults"))
            .await?;
        Ok(Self {
            stage: stage.clone(),
            before: Some(Before {
                webhooks: webhooks["switches"].clone(),
                faults: faults["faults"].clone(),
            }),
        })
    }

    /// Says to the stand-in for Stripe what becomes of its webhooks.
    pub(super) async fn webhooks(&self, switches: &Value) -> Result<(), Trouble> {
        set_webhooks(&self.stage, switches).await
    }

    /// Says to the stand-in for Amplitude what it answers.
    pub(super) async fn faults(&self, faults: &Value) -> Result<(), Trouble> {
        set_faults(&self.stage, faults).await
    }

    /// Puts them back as they were, and the workers to work.
    pub(super) async fn put_back(mut self) {
        if let Some(before) = self.before.take() {
            before.put_back(&self.stage).await;
        }
    }
}

impl Drop for Switches {
    fn drop(&mut self) {
        let Some(before) = self.before.take() else { return };
        let stage = self.stage.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { before.put_back(&stage).await })),
            Err(_) => tracing::error!("the stand-ins' switches stay as the lab has set them"),
        }
    }
}

impl Before {
    async fn put_back(self, stage: &Stage) {
        stage.workers.start();
        // Each, whatever becomes of the other.
        for put in [
            set_webhooks(stage, &self.webhooks).await,
            set_faults(stage, &self.faults).await,
        ] {
            if let Err(error) = put {
                tracing::error!(%error, "a stand-in's switches could not be put back as they were");
            }
        }
    }
}

async fn set_webhooks(stage: &Stage, switches: &Value) -> Result<(), Trouble> {
    let url = at(&stage.stripe, "/_sim/webhooks");
    stage.tell(STRIPE, url, switches).await?;
    Ok(())
}

async fn set_faults(stage: &Stage, faults: &Value) -> Result<(), Trouble> {
    let url = at(&stage.amplitude, "/local/faults");
    stage.tell(AMPLITUDE, url, faults).await?;
    Ok(())
}
