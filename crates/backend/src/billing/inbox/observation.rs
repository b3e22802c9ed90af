//! What the inbox reports about webhooks, for counts. It does not know how they are counted.

use std::fmt;
use std::sync::Arc;

use queue::NextRowState;

use super::store::PendingWebhook;

/// A report. The types are the sender's, so a caller bounds what it keeps of them.
#[derive(Clone, Copy, Debug)]
pub enum WebhookObservation<'a> {
    /// A webhook was stored.
    Received {
        /// Stripe's type of the event.
        event_type: &'a str,
        /// From the change at Stripe, in whole seconds, until the webhook was stored. In ms, 0 or more.
        lag_ms: i64,
    },
    /// The result of an attempt was written.
    Attempted {
        /// Stripe's type of the event.
        event_type: &'a str,
        /// The next state of the webhook's row.
        next: &'a NextRowState,
        /// From the arrival until the end of the attempt. In ms, 0 or more.
        lag_ms: i64,
    },
}

/// Is called with each observation. Cheap to clone.
#[derive(Clone)]
pub(in crate::billing) struct WebhookObserver(Arc<dyn Fn(WebhookObservation<'_>) + Send + Sync>);

impl WebhookObserver {
    pub(in crate::billing) fn new(observer: impl Fn(WebhookObservation<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observer))
    }

    pub(super) fn received(&self, event_type: &str, changed_ms: i64, now_ms: i64) {
        let lag_ms = now_ms.saturating_sub(changed_ms).max(0);
        (self.0)(WebhookObservation::Received { event_type, lag_ms });
    }

    pub(super) fn attempted(&self, webhook: &PendingWebhook, next: &NextRowState, now_ms: i64) {
        (self.0)(WebhookObservation::Attempted {
            event_type: &webhook.event_type,
            next,
            lag_ms: now_ms.saturating_sub(webhook.received_ms).max(0),
        });
    }
}

impl Default for WebhookObserver {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for WebhookObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookObserver")
    }
}
