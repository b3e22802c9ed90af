//! The settings of a stand-in, and the errors of opening it. This module does not read the environment or files.

use std::fmt;

use local_service::{StateError, StateLocation, WallClock};

/// The settings of a stand-in. Start from `StripeStandInSettings::default()`.
#[derive(Clone)]
pub struct StripeStandInSettings {
    /// Where records and undelivered webhooks are stored.
    pub state: StateLocation,
    /// The only accepted API key, `sk_test_…` or `rk_test_…`. `None`: any test key. Live keys are always rejected.
    pub secret_key: Option<String>,
    /// The origin of hosted pages, without a trailing slash. `None`: `http://localhost` with the port of the request.
    pub public_url: Option<String>,
    /// Webhook endpoints that exist from the start. They also get the events that an earlier start did not deliver.
    pub webhooks: Vec<WebhookTarget>,
    /// The account's dashboard settings.
    pub rules: AccountRules,
    /// The wall clock.
    pub clock: WallClock,
    /// The seed of random IDs, for repeatable runs. `None`: different IDs in each run.
    pub seed: Option<u64>,
    /// Must be true in a release build.
    pub allow_release: bool,
}

impl Default for StripeStandInSettings {
    fn default() -> Self {
        Self {
            state: StateLocation::Temporary,
            secret_key: None,
            public_url: None,
            webhooks: Vec::new(),
            rules: AccountRules::default(),
            clock: WallClock::system(),
            seed: None,
            allow_release: false,
        }
    }
}

impl fmt::Debug for StripeStandInSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeStandInSettings")
            .field("state", &self.state)
            .field("secret_key", &self.secret_key.as_ref().map(|_| "…"))
            .field("public_url", &self.public_url)
            .field("webhooks", &self.webhooks)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// A webhook endpoint that exists without an API call.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// An HTTP URL on a loopback address.
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

/// Account settings that Stripe has on its dashboard, not in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRules {
    /// How long a renewal's invoice stays a draft. About an hour on Stripe.
    pub draft_secs: i64,
    /// Days between payment attempts. Fixed, unlike Stripe's Smart Retries.
    pub retry_days: Vec<i64>,
    /// The effect of the last failed payment attempt.
    pub after_last_retry: AfterLastRetry,
    /// Days before a renewal at which `invoice.upcoming` is sent. `None`: it is not sent.
    pub upcoming_days: Option<i64>,
    /// Milliseconds between the attempts of a webhook delivery.
    pub webhook_retry_ms: Vec<i64>,
}

impl Default for AccountRules {
    fn default() -> Self {
        Self {
            draft_secs: 3600,
            retry_days: vec![3, 5, 7],
            after_last_retry: AfterLastRetry::Cancel,
            upcoming_days: Some(7),
            webhook_retry_ms: vec![1_000, 5_000, 25_000, 125_000, 625_000, 3_125_000],
        }
    }
}

/// The effect of the last failed payment attempt on the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterLastRetry {
    /// It is canceled.
    Cancel,
    /// It becomes `unpaid`.
    MarkUnpaid,
    /// It stays `past_due`.
    LeavePastDue,
}

/// Why a stand-in cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StripeStandInOpenError {
    /// The settings have a live key.
    #[error("this stand-in for Stripe accepts test keys only (sk_test_… or rk_test_…)")]
    NotATestKey,
    /// This is a release build and the settings do not allow it.
    #[error("a release build does not run a stand-in for Stripe unless the settings allow it")]
    Release,
    /// A webhook endpoint is not on this machine.
    #[error("{0} is not on a loopback address: webhooks are sent to this machine only")]
    ForeignWebhook(String),
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record in the state file cannot be parsed.
    #[error("a record in the state file cannot be parsed: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The HTTP client for webhooks cannot be created.
    #[error("cannot create the HTTP client for webhooks: {0}")]
    Client(String),
}
