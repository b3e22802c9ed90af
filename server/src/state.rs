//! The state that handlers share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use app::assets::Assets;
use app::lab::LabState;
use axum::extract::FromRef;
use backend::Backend;
use backend::config::{LocalAccess, TrustedProxies};
use backend::operations::TaskRegistry;
use db::Db;
use leptos::config::LeptosOptions;
use outbox::Health;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracking::ConsentDefault;
use url::Url;

use crate::http::feeds::Feeds;
use crate::ingest::forward::Forwarder;
use crate::metrics::Metrics;
use crate::request::signing::CookieKey;

/// The state of all handlers. Each request clones it several times, which costs one count of references.
#[derive(Clone)]
pub struct AppState(Arc<SharedState>);

impl AppState {
    /// The state of a server's handlers.
    pub fn new(shared: SharedState) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for AppState {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        &self.0
    }
}

/// What handlers share.
pub struct SharedState {
    /// The domain actions.
    pub backend: Arc<Backend>,
    /// For the readiness check only.
    pub db: Db,
    /// The state of delivery to Amplitude.
    pub delivery: watch::Receiver<Health>,
    /// The background tasks, for the readiness check.
    pub tasks: TaskRegistry,
    /// Cancelled when the server has begun to stop and still serves.
    pub draining: CancellationToken,
    /// Counts of requests.
    pub metrics: Metrics,
    /// Forwards browser events to Amplitude.
    pub forwarder: Forwarder,
    /// Settings, which do not change while the server runs.
    pub site: Arc<Site>,
    /// Leptos' own settings.
    pub leptos: LeptosOptions,
    /// URLs of the build's files.
    pub assets: Assets,
    /// The state of the disturbance lab, in local mode.
    pub lab: Option<watch::Receiver<LabState>>,
    /// The longest pause between two pieces of a request's body.
    pub body_timeout: Duration,
    /// Limits of the feeds, and their end.
    pub feeds: Feeds,
}

/// Settings that requests need.
#[derive(Debug)]
pub struct Site {
    /// Scheme, host and port that browsers see.
    pub public_url: Url,
    /// Names the SDK's cookie, and replaces the API key in pages.
    pub public_key: String,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Which requests are accepted; `None` without a stand-in.
    pub local_access: Option<LocalAccess>,
    /// Signs cookies.
    pub cookie_key: CookieKey,
    /// What unset consent means.
    pub consent_default: ConsentDefault,
    /// Amplitude and Stripe are both stand-ins.
    pub local_mode: bool,
}

impl Site {
    /// Whether the site is on https. Its cookies are then `Secure`.
    pub fn secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// `host:port` as in a `Host` header.
    pub fn host(&self) -> String {
        let host = self.public_url.host_str().unwrap_or_default();
        self.public_url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

impl FromRef<AppState> for Assets {
    fn from_ref(state: &AppState) -> Self {
        state.assets.clone()
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
