//! From configuration to a running server, and back to nothing.

mod error;
mod timing;

pub mod telemetry;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use backend::Backend;
use backend::accounts::LoginCookies;
use backend::accounts::deletion::{AmplitudeEraser, Deleter};
use backend::clock::Clock;
use backend::config::Config;
use backend::mail::Sender;
use db::Db;
use leptos::config::LeptosOptions;
use outbox::{AmplitudeSink, Dispatcher};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::http::assets;
use crate::ingest::Forwarder;
use crate::jobs::workers::Workers;
use crate::jobs::{mail, maintenance, poll_closing};
use crate::lab::{Lab, Stage};
use crate::state::{AppState, Site};
use crate::{router, stand_ins};
pub use error::StartError;
pub use timing::Timing;

/// Open requests and the batch in hand may take this long when the server stops; a supervisor kills after 30 s.
const GRACE: Duration = Duration::from_secs(20);

/// A server that listens, and does not answer yet.
pub struct Server {
    listener: TcpListener,
    router: Router,
    workers: Workers,
    lab: Option<Lab>,
    sender: Sender,
    deleter: Deleter,
    backend: Backend,
    keep_days: u32,
    db: Db,
    public_url: Url,
    stop: CancellationToken,
    stand_ins: CancellationToken,
}

impl Server {
    /// Opens the database, starts the stand-in in local mode, and binds the listener. Port 0 is any free one, in the
    /// public URL too.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Timing::default()).await
    }

    /// The same, with other waits than those that suit Amplitude and Stripe.
    pub async fn start_with(mut config: Config, timing: Timing) -> Result<Self, StartError> {
        install_crypto();
        let stop = CancellationToken::new();
        let stand_ins = CancellationToken::new();
        let listen = config.http.listen;
        let listener = stand_ins::bind(listen).await?;
        let bound = listener.local_addr().map_err(|error| StartError::Listen {
            address: listen,
            error,
        })?;
        if config.http.public_url.port() == Some(0) {
            // It fails only for URLs that cannot have a port; this one has.
            let _ = config.http.public_url.set_port(Some(bound.port()));
        }
        if let Some(address) = config.stripe.local {
            let stand_in = stand_ins::bind(address).await?;
            config.stripe.listens_at(
                stand_in
                    .local_addr()
                    .map_err(|error| StartError::Listen { address, error })?,
            );
            stand_ins::start_stripe(
                &config.stripe,
                stand_in,
                bound,
                &config.data.dir,
                timing.webhook_retries_ms,
                stand_ins.clone(),
            )
            .await?;
        }
        if let Some(address) = config.amplitude.local {
            stand_ins::start_amplitude(&config.amplitude, address, &config.data.dir, stand_ins.clone())
                .await?;
        }

        let clock = Clock::system();
        let db = Db::open(config.data.database_url.expose_secret()).await?;
        let sink = AmplitudeSink::new(
            config.amplitude.ingest_url.as_str(),
            config.amplitude.api_key.clone(),
        )
        .map_err(|error| StartError::Client(error.to_string()))?;
        let sink = match timing.upload {
            Some(timeout) => sink.with_request_timeout(timeout),
            None => sink,
        };
        let settings = outbox::DispatcherSettings {
            keep_days: config.data.outbox_keep_days,
            ..timing.outbox
        };
        let outbox_clock = clock.clone();
        let dispatcher = Dispatcher::new(
            db.clone(),
            Arc::new(sink),
            Arc::new(move || outbox_clock.now_ms()),
            settings,
        );
        let mut backend = Backend::new(&config, &db, &clock, dispatcher.wakeup())
            .map_err(|error| StartError::Client(error.to_string()))?;
        backend.operations = backend.operations.watching(dispatcher.health());
        let forwarder =
            Forwarder::new(&config.amplitude).map_err(|error| StartError::Client(error.to_string()))?;

        let sender = mail::sender(&config.mail, &backend, &db, &config.http.public_url)?;
        let deleter = Deleter::new(
            db.clone(),
            clock.clone(),
            Arc::new(backend.billing.clone()),
            AmplitudeEraser::new(&config.amplitude).map_err(|error| StartError::Client(error.to_string()))?,
            backend.accounts.deletion_wakeup(),
        );

        let delivery = dispatcher.health();
        let workers = Workers::new(dispatcher, backend.billing.clone(), timing.inbox, stop.clone());
        let lab = Stage::new(&config, &backend, &workers)
            .map_err(|error| StartError::Client(error.to_string()))?
            .map(|stage| Lab::new(stage, stop.clone()));
        let cookies = LoginCookies::new(db.clone(), clock);
        let local_mode = config.is_local_mode();
        let leptos = leptos_options(listen, &config.http.site_root);
        let state = AppState {
            backend: backend.clone(),
            db: db.clone(),
            delivery,
            forwarder,
            assets: assets::of_build(Path::new(leptos.site_root.as_ref())),
            leptos,
            lab: lab.clone(),
            stop: stop.clone(),
            site: Arc::new(Site {
                public_url: config.http.public_url.clone(),
                public_key: config.amplitude.public_key,
                client_ip_header: config.http.client_ip_header,
                consent_default: config.privacy.consent_default,
                local_mode,
            }),
        };
        let router = router::router(state, cookies);
        Ok(Self {
            listener,
            router,
            workers,
            lab,
            sender,
            deleter,
            backend,
            keep_days: config.data.outbox_keep_days,
            db,
            public_url: config.http.public_url,
            stop,
            stand_ins,
        })
    }

    /// Where browsers find it.
    pub fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where lives can be lived; `None` outside local mode.
    pub fn stage(&self) -> Option<Stage> {
        self.lab.as_ref().map(Lab::stage)
    }

    /// Serves until `stop`; then open requests and the batch in hand are finished, within 20 s.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StartError> {
        let work = TaskTracker::new();
        self.workers.start();
        work.spawn(maintenance::run(
            self.backend.clone(),
            self.keep_days,
            self.stop.clone(),
        ));
        work.spawn(poll_closing::run(self.backend.polls.clone(), self.stop.clone()));
        work.spawn(self.sender.run(self.stop.clone()));
        work.spawn(self.deleter.run(self.stop.clone()));
        let stopping = self.stop.clone();
        work.spawn(async move {
            stop.cancelled().await;
            stopping.cancel();
        });
        work.close();

        let service = self.router.into_make_service_with_connect_info::<SocketAddr>();
        let serve =
            axum::serve(self.listener, service).with_graceful_shutdown(self.stop.clone().cancelled_owned());
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let served = tokio::select! {
            served = serve.into_future() => served.map_err(StartError::Serve),
            () = stopped => Ok(()),
        };
        self.stop.cancel();
        let all_ended = async {
            // It may have to put the workers back to work, to be ended as the others are.
            if let Some(lab) = &self.lab {
                lab.ended().await;
            }
            self.workers.ended().await;
            work.wait().await;
        };
        if tokio::time::timeout(GRACE, all_ended).await.is_err() {
            tracing::warn!("not everything was finished in time; the outbox keeps what was not sent");
        }
        // Last: the batch in hand went there.
        self.stand_ins.cancel();
        self.db.close().await;
        served
    }
}

/// Two providers in one process, or none, end in a panic at the first connection. An error here means that one is installed
/// already.
pub(crate) fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Names of the build's files and folders. cargo-leptos sets other names while developing.
fn leptos_options(listen: SocketAddr, site_root: &str) -> LeptosOptions {
    let set = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    LeptosOptions::builder()
        .output_name(set("LEPTOS_OUTPUT_NAME", "seamline"))
        .site_root(site_root)
        .site_pkg_dir(set("LEPTOS_SITE_PKG_DIR", "pkg"))
        .site_addr(listen)
        .reload_port(set("LEPTOS_RELOAD_PORT", "3001").parse::<u32>().unwrap_or(3001))
        .build()
}
