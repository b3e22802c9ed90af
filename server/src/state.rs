//! What handlers share.

use std::sync::Arc;

use app::assets::Assets;
use axum::extract::FromRef;
use backend::Backend;
use db::Db;
use leptos::config::LeptosOptions;
use outbox::Health;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracking::ConsentDefault;
use url::Url;

use crate::ingest::Forwarder;
use crate::lab::Lab;

/// Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The verbs.
    pub backend: Backend,
    /// For the readiness check alone.
    pub db: Db,
    /// How delivery is going.
    pub delivery: watch::Receiver<Health>,
    /// The way of browser events to Amplitude.
    pub forwarder: Forwarder,
    /// What does not change while the server runs.
    pub site: Arc<Site>,
    /// Leptos' own settings.
    pub leptos: LeptosOptions,
    /// URLs of the build's files.
    pub assets: Assets,
    /// The disturbance lab, in local mode.
    pub lab: Option<Lab>,
    /// Ends open streams when the server stops.
    pub stop: CancellationToken,
}

/// Settings that requests need.
#[derive(Debug)]
pub struct Site {
    /// Scheme, host and port that browsers see.
    pub public_url: Url,
    /// Names the SDK's cookie, and stands for the API key in the page.
    pub public_key: String,
    /// The proxy's header with the visitor's address.
    pub client_ip_header: Option<String>,
    /// What unset consent means.
    pub consent_default: ConsentDefault,
    /// Everything is on this machine.
    pub local_mode: bool,
}

impl Site {
    /// Cookies are for https only where the site is.
    pub fn secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// `host:port` as it stands in `Host`.
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
