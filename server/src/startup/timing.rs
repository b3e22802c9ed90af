//! How long the server's workers wait for others. The defaults are for real ones; a test that makes others fail on purpose
//! has no time for them.

use std::time::Duration;

/// Waits, leases, retries.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// The outbox: how often it looks, and when it tries again. Its `keep_days` come from the configuration.
    pub outbox: outbox::DispatcherSettings,
    /// The webhook workers.
    pub inbox: backend::billing::inbox::InboxSettings,
    /// How long one upload of the outbox may take; `None`: as long as the outbox thinks right.
    pub upload: Option<Duration>,
    /// Pauses of the stand-in for Stripe between attempts to deliver a webhook, in ms; `None`: its own.
    pub webhook_retries_ms: Option<Vec<i64>>,
}
