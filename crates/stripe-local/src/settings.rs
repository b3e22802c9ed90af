//! What a stand-in is opened with. Nothing here reads the environment or the disk.

use std::fmt;

use local_service::{StateError, StateLocation, WallClock};

/// Everything that can be chosen about a stand-in. Start from `Settings::default()`.
#[derive(Clone)]
pub struct Settings {
    /// Where objects, events and undelivered webhooks are kept.
    pub state: StateLocation,
    /// The only API key accepted, `sk_test_…` or `rk_test_…`. `None`: any of that form. Live keys are refused.
    pub secret_key: Option<String>,
    /// The origin that hosted pages are linked with, without a slash at its end. `None`: `http://localhost`
    /// with the port that the request came in at.
    pub public_url: Option<String>,
    /// Webhook endpoints that exist from the start. What an earlier start did not deliver goes to them, in order.
    pub webhooks: Vec<WebhookTarget>,
    /// How accounts are set up on Stripe's dashboard: retries, drafts, notices.
    pub rules: Rules,
    /// The wall clock.
    pub clock: WallClock,
    /// Seed of the IDs, so that a run can be repeated. `None`: different ones every time.
    pub seed: Option<u64>,
    /// A program built for release must say that it means a stand-in.
    pub allow_release: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            state: StateLocation::Temporary,
            secret_key: None,
            public_url: None,
            webhooks: Vec::new(),
            rules: Rules::default(),
            clock: WallClock::system(),
            seed: None,
            allow_release: false,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("state", &self.state)
            .field("secret_key", &self.secret_key.as_ref().map(|_| "…"))
            .field("public_url", &self.public_url)
            .field("webhooks", &self.webhooks)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// A webhook endpoint that is there without a call to the API.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Where events are posted to; on a loopback address.
    pub url: String,
    /// The signing secret, `whsec_…`.
    pub secret: String,
}

impl fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookTarget")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What is set on Stripe's dashboard rather than through the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a renewal's invoice stays a draft, in seconds. Stripe: about an hour.
    pub draft_seconds: i64,
    /// Days between payment attempts. Stripe's Smart Retries are not fixed; these are.
    pub retry_days: Vec<i64>,
    /// What becomes of a subscription whose last attempt failed.
    pub after_last_retry: AfterLastRetry,
    /// Days before a renewal at which `invoice.upcoming` is sent. `None`: never.
    pub upcoming_days: Option<i64>,
    /// Milliseconds between attempts to deliver a webhook.
    pub webhook_retry_ms: Vec<i64>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            draft_seconds: 3600,
            retry_days: vec![3, 5, 7],
            after_last_retry: AfterLastRetry::Cancel,
            upcoming_days: Some(7),
            webhook_retry_ms: vec![1_000, 5_000, 25_000, 125_000, 625_000, 3_125_000],
        }
    }
}

/// What becomes of a subscription whose last payment attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterLastRetry {
    /// It is canceled.
    Cancel,
    /// It becomes `unpaid`.
    MarkUnpaid,
    /// It stays `past_due`.
    LeavePastDue,
}

/// Why a stand-in could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A live key was given.
    #[error("this is a stand-in for Stripe: it takes test keys only (sk_test_… or rk_test_…)")]
    NotATestKey,
    /// A release build that did not ask for it.
    #[error("a release build runs a stand-in for Stripe only when told to")]
    Release,
    /// A webhook endpoint that is not on this machine.
    #[error("{0} is not on a loopback address: webhooks go to this machine only")]
    ForeignWebhook(String),
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// An object in the file cannot be read.
    #[error("an object in the state file cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The client that delivers webhooks could not be made.
    #[error("cannot make the client that delivers webhooks: {0}")]
    Client(String),
}
