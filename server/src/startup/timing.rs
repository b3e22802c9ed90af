//! The server's clock, and how long it waits for others: defaults for production, other values for tests that make others fail.

use std::time::Duration;

/// The clock, waits, leases and retries.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// The server's clock.
    pub clock: backend::clock::Clock,
    /// The outbox: how often it looks, and when it tries again.
    pub outbox: outbox::DispatcherSettings,
    /// The webhook workers.
    pub inbox: backend::billing::inbox::InboxSettings,
    /// How long one upload of the outbox may take; `None`: the outbox's default.
    pub upload: Option<Duration>,
    /// Pauses of the stand-in for Stripe between attempts to deliver a webhook, in ms; `None`: the stand-in's default.
    pub webhook_retries_ms: Option<Vec<i64>>,
    /// Connections and feeds.
    pub http: HttpTiming,
    /// When crashed background tasks are restarted.
    pub tasks: backend::operations::TaskPolicy,
}

/// How long connections and feeds may take.
#[derive(Clone, Copy, Debug)]
pub struct HttpTiming {
    /// A client's request head, from the beginning of the connection or the end of the request before.
    pub head: Duration,
    /// The same for a trusted proxy, which keeps idle connections to use again. Longer than proxies keep them, so that the
    /// proxy closes them: else it may send a request on a connection that is being closed.
    pub proxy_idle: Duration,
    /// The pause between two pieces of a request's body.
    pub body: Duration,
    /// How long a client may read nothing of a response.
    pub write: Duration,
    /// A feed, until the browser must open it again.
    pub feed: Duration,
    /// How often a feed checks that its login has not ended.
    pub login_check: Duration,
}

impl Default for HttpTiming {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            proxy_idle: Duration::from_secs(150),
            body: Duration::from_secs(10),
            write: Duration::from_secs(30),
            feed: Duration::from_secs(10 * 60),
            login_check: Duration::from_secs(15),
        }
    }
}
