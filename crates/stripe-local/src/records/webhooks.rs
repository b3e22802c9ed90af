//! Events, webhook endpoints, deliveries, the webhook switches, and stored idempotent responses.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::form::Metadata;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WebhookEndpointRecord {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) enabled_events: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) disabled: bool,
    /// Named in the settings, not created through the API.
    #[serde(rename = "from_settings")]
    pub(crate) is_configured: bool,
    pub(crate) metadata: Metadata,
}

impl WebhookEndpointRecord {
    pub(crate) fn accepts(&self, event: &str) -> bool {
        !self.disabled
            && self
                .enabled_events
                .iter()
                .any(|accepted| accepted == "*" || accepted == event)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    pub(crate) id: String,
    /// Wall clock, not the billing clock.
    pub(crate) created: i64,
    pub(crate) name: String,
    /// The object at the time of the event.
    pub(crate) object: Value,
    pub(crate) previous: Option<Value>,
    /// `None`, like the key, if a clock, a page or a control caused the event.
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// The delivery of one event to one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeliveryRecord {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) endpoint: String,
    /// When the next attempt is due. Wall clock.
    pub(crate) due_ms: i64,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: Vec<WebhookAttempt>,
    /// Whether a switch or a resend created this additional delivery. It does not count as pending.
    #[serde(rename = "copy")]
    pub(crate) is_copy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    Waiting,
    Delivered,
    /// All attempts failed.
    GivenUp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WebhookAttempt {
    /// Wall clock.
    pub(crate) at_ms: i64,
    /// The status of the response. `None` without a response.
    pub(crate) status: Option<u16>,
    /// Why there was no response.
    pub(crate) error: Option<String>,
}

/// The webhook disturbances, as `POST /_sim/webhooks` sets them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebhookSwitchesRecord {
    pub(crate) id: String,
    /// Delay of each delivery.
    pub(crate) delay_ms: i64,
    /// Number of next deliveries that are sent twice.
    pub(crate) duplicate: u32,
    /// Number of next attempts that fail as if the endpoint were down.
    pub(crate) fail: u32,
    /// Number of next attempts that arrive but whose response is lost.
    #[serde(rename = "lose_answer")]
    pub(crate) lose_response: u32,
    /// Number of deliveries that are collected and then sent in random order.
    pub(crate) reorder: u32,
    /// Whether all deliveries are stopped.
    pub(crate) hold: bool,
}

fn switches_id() -> String {
    WebhookSwitchesRecord::ID.to_owned()
}

impl WebhookSwitchesRecord {
    pub(crate) const ID: &'static str = "switches";
}

impl Default for WebhookSwitchesRecord {
    fn default() -> Self {
        Self {
            id: switches_id(),
            delay_ms: 0,
            duplicate: 0,
            fail: 0,
            lose_response: 0,
            reorder: 0,
            hold: false,
        }
    }
}

/// The response to the first request with an idempotency key. Replayed for later requests with the same key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct IdempotentResponseRecord {
    /// `idempotency:` and the key.
    pub(crate) id: String,
    /// Hash of method, path and parameters.
    pub(crate) fingerprint: String,
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) request: String,
    /// Wall clock.
    pub(crate) stored_at: i64,
}
