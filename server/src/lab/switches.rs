//! What a disturbance tells the stand-ins. Their switches are everybody's: they are put back as they were, whatever becomes
//! of the life, and also when nobody waits for it any more.

use app::lab::Disturbance;
use serde_json::{Value, json};

use super::stage::{AMPLITUDE, STRIPE, Stage, Trouble, at};

/// Webhooks of one step that are held back to be shuffled; what is fewer is let go with the step's end.
const SHUFFLED: u32 = 3;

/// When the switches are turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before anything has happened.
    Start,
    /// Before Checkout is completed.
    BeforeCheckout,
    /// The browser has come back from it.
    CameBack,
    /// Before the trial ends.
    BeforeTrialEnd,
    /// The trial has ended.
    TrialEnded,
}

/// What the stand-in for Stripe is told at a moment; `None`: its switches stay.
pub(super) fn webhooks(disturbance: Disturbance, moment: Moment) -> Option<Value> {
    match (disturbance, moment) {
        (Disturbance::WebhooksDelayed, Moment::Start) => Some(json!({"delay_ms": 1_500})),
        // More than a life has.
        (Disturbance::WebhooksDuplicated, Moment::Start) => Some(json!({"duplicate": 1_000})),
        (Disturbance::WebhookAnswersLost, Moment::BeforeCheckout) => Some(json!({"lose_answer": 2})),
        (Disturbance::WebhooksReordered, Moment::BeforeCheckout | Moment::BeforeTrialEnd) => {
            Some(json!({"reorder": SHUFFLED}))
        }
        (Disturbance::WebhooksReordered, Moment::CameBack | Moment::TrialEnded) => Some(json!({})),
        (Disturbance::WebhooksAfterRedirect, Moment::BeforeCheckout) => Some(json!({"hold": true})),
        (Disturbance::WebhooksAfterRedirect, Moment::CameBack) => Some(json!({})),
        _ => None,
    }
}

/// What the stand-in for Amplitude is told at a moment; `None`: its switches stay.
pub(super) fn faults(disturbance: Disturbance, moment: Moment) -> Option<Value> {
    let answer = match disturbance {
        Disturbance::AmplitudeThrottles => json!(429),
        Disturbance::AmplitudeFails => json!(500),
        Disturbance::AmplitudeHangs | Disturbance::WorkersRestarted => json!("hang"),
        _ => return None,
    };
    match moment {
        Moment::Start => Some(json!([{"answer": answer}])),
        Moment::CameBack => Some(json!([])),
        Moment::BeforeCheckout | Moment::BeforeTrialEnd | Moment::TrialEnded => None,
    }
}

/// The stand-ins' switches while a life is lived.
pub(super) struct Switches {
    stage: Stage,
    disturbance: Disturbance,
    /// As they were before; `None`: they are so again.
    before: Option<Before>,
}

struct Before {
    webhooks: Value,
    faults: Value,
}

impl Switches {
    /// Takes them, and remembers how they stand.
    pub(super) async fn take(stage: &Stage, disturbance: Disturbance) -> Result<Self, Trouble> {
        let webhooks = stage.read(STRIPE, at(&stage.stripe, "/_sim/webhooks")).await?;
        let faults = stage
            .read(AMPLITUDE, at(&stage.amplitude, "/local/faults"))
            .await?;
        Ok(Self {
            stage: stage.clone(),
            disturbance,
            before: Some(Before {
                webhooks: webhooks["switches"].clone(),
                faults: faults["faults"].clone(),
            }),
        })
    }

    /// Turns them as the disturbance wants them at that moment.
    pub(super) async fn at(&self, moment: Moment) -> Result<(), Trouble> {
        if let Some(webhooks) = webhooks(self.disturbance, moment) {
            set_webhooks(&self.stage, &webhooks).await?;
        }
        if let Some(faults) = faults(self.disturbance, moment) {
            set_faults(&self.stage, &faults).await?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENTS: [Moment; 5] = [
        Moment::Start,
        Moment::BeforeCheckout,
        Moment::CameBack,
        Moment::BeforeTrialEnd,
        Moment::TrialEnded,
    ];

    #[test]
    fn which_disturbance_turns_what() {
        use Disturbance as D;
        for disturbance in D::ALL {
            let turns = |of: fn(Disturbance, Moment) -> Option<Value>| {
                MOMENTS
                    .into_iter()
                    .any(|moment| of(disturbance, moment).is_some())
            };
            let expected = match disturbance {
                D::WebhooksDelayed
                | D::WebhooksDuplicated
                | D::WebhooksReordered
                | D::WebhookAnswersLost
                | D::WebhooksAfterRedirect => (true, false),
                D::AmplitudeThrottles | D::AmplitudeFails | D::AmplitudeHangs | D::WorkersRestarted => {
                    (false, true)
                }
                _ => (false, false),
            };
            assert_eq!((turns(webhooks), turns(faults)), expected, "{disturbance:?}");
        }
    }

    #[test]
    fn nothing_is_held_back_or_refused_for_ever() {
        let none = (json!({}), json!([]));
        for disturbance in Disturbance::ALL {
            let (mut held, mut faulty) = none.clone();
            for moment in MOMENTS {
                held = webhooks(disturbance, moment).unwrap_or(held);
                faulty = faults(disturbance, moment).unwrap_or(faulty);
            }
            assert_eq!(faulty, none.1, "{disturbance:?}");
            for switch in ["hold", "reorder"] {
                assert_eq!(held[switch], Value::Null, "{disturbance:?}");
            }
        }
    }
}
