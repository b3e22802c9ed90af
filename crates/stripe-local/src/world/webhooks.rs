//! Events, who hears of them, and answers kept for idempotency keys.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::form::Metadata;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WebhookEndpoint {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) enabled_events: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) disabled: bool,
    /// Named by the settings, not made through the API.
    pub(crate) from_settings: bool,
    pub(crate) metadata: Metadata,
}

impl WebhookEndpoint {
    pub(crate) fn wants(&self, event: &str) -> bool {
        !self.disabled
            && self
                .enabled_events
                .iter()
                .any(|wanted| wanted == "*" || wanted == event)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    /// Wall clock, whatever the billing clock says.
    pub(crate) created: i64,
    pub(crate) name: String,
    /// The object as it was when the event was made.
    pub(crate) object: Value,
    pub(crate) previous: Option<Value>,
    /// Both absent when time, a page or a control caused it.
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) endpoint: String,
    /// When it is (next) sent; wall clock, ms.
    pub(crate) due_ms: i64,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: Vec<Attempt>,
    /// A copy made by a switch or by hand; it does not count as pending.
    pub(crate) copy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    Waiting,
    Delivered,
    /// Every attempt failed.
    GivenUp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Wall clock, ms.
    pub(crate) at_ms: i64,
    /// The status answered; `None`: no answer.
    pub(crate) status: Option<u16>,
    /// Why there was none.
    pub(crate) error: Option<String>,
}

/// What happens to webhooks on purpose. Posted to `/_sim/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Switches {
    pub(crate) id: String,
    /// Every delivery waits this long, in ms.
    pub(crate) delay_ms: i64,
    /// The next so many deliveries are sent twice.
    pub(crate) duplicate: u32,
    /// The next so many attempts fail as if nobody listened.
    pub(crate) fail: u32,
    /// The next so many attempts arrive, but their answer is lost.
    pub(crate) lose_answer: u32,
    /// So many deliveries are held back until they are complete, then sent in an order drawn by chance.
    pub(crate) reorder: u32,
    /// Nothing is sent until this is off.
    pub(crate) hold: bool,
}

fn switches_id() -> String {
    Switches::ID.to_owned()
}

impl Switches {
    pub(crate) const ID: &'static str = "switches";
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            id: switches_id(),
            delay_ms: 0,
            duplicate: 0,
            fail: 0,
            lose_answer: 0,
            reorder: 0,
            hold: false,
        }
    }
}

/// The first answer to a request with an idempotency key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    /// `idempotency:` and the key.
    pub(crate) id: String,
    /// Of method, path and parameters.
    pub(crate) fingerprint: String,
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) request: String,
    /// Wall clock.
    pub(crate) stored_at: i64,
}
