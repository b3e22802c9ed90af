//! Starts the server from its configuration, runs it, and stops it.

mod cookie_key;
pub(crate) mod error;
pub(crate) mod timing;

pub mod telemetry;
#[cfg(feature = "otel")]
mod traces;
#[cfg(not(feature = "otel"))]
#[path = "traces_absent.rs"]
mod traces;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backend::Backend;
use backend::accounts::LoginCookies;
use backend::accounts::deletion::{AmplitudeEraser, Deleter};
use backend::billing::customer_email::CustomerEmailUpdater;
use backend::config::{Config, LocalAccess};
use backend::mail::Sender;
use backend::operations::TaskRegistry;
use db::Db;
use futures::future::{BoxFuture, LocalBoxFuture};
use leptos::config::LeptosOptions;
use outbox::{AmplitudeSink, Dispatcher};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::http::assets::SiteBuild;
use crate::http::connections::{Connections, within_open_files};
use crate::http::feeds::Feeds;
use crate::http::listen;
use crate::ingest::forward::Forwarder;
use crate::jobs::supervisor::Supervisor;
use crate::jobs::workers::Workers;
use crate::jobs::{counts, mail, maintenance, poll_closing};
use crate::local::{self, LocalLab};
use crate::metrics::{CUSTOMER_EMAILS, DELETIONS, Metrics, MetricsListener, Sources};
use crate::router;
use crate::state::{AppState, SharedState, Site};
pub use error::StartError;
pub use timing::{HttpTiming, Timing};

/// From the signal to stop until the process ends, at most; a process manager kills it after 30 s. Requests and the current
/// batch have what [`HttpConfig::drain`](backend::config::HttpConfig::drain) leaves of it.
const STOP_TIMEOUT: Duration = Duration::from_secs(23);

/// How long the last writes and the database may take after that.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A server that is bound to its address and does not serve requests yet.
pub struct Server {
    listener: TcpListener,
    metrics: Option<MetricsListener>,
    connections: Connections,
    supervisor: Supervisor,
    workers: Workers,
    lab: LocalLab,
    sender: Arc<Sender>,
    deleter: Arc<Deleter>,
    customer_emails: Arc<CustomerEmailUpdater>,
    backend: Backend,
    db: Db,
    public_url: Url,
    build: String,
    drain: Duration,
    draining: CancellationToken,
    stop: CancellationToken,
    stand_ins: CancellationToken,
}

impl Server {
    /// Opens the database, starts the stand-in in local mode, and binds the listener. Port 0 is any free one, in the
    /// public URL too.
    pub fn start(config: Config) -> LocalBoxFuture<'static, Result<Self, StartError>> {
        Self::start_with(config, Timing::default())
    }

    /// [`Self::start`] with other waits. The future is boxed, so that its code is compiled here once, and not again in each
    /// program and test that awaits it.
    pub fn start_with(config: Config, timing: Timing) -> LocalBoxFuture<'static, Result<Self, StartError>> {
        Box::pin(Self::open(config, timing))
    }

    async fn open(mut config: Config, timing: Timing) -> Result<Self, StartError> {
        install_crypto();
        let stop = CancellationToken::new();
        let stand_ins = CancellationToken::new();
        let limits = within_open_files(config.http.limits);
        if config.http.local_access == Some(LocalAccess::Remote) {
            tracing::warn!(
                "SEAMLINE_LOCAL=remote: requests for any host name and forwarded requests are accepted. Every visitor is an \
                 operator and can read all mails and timelines."
            );
        }
        let address = config.http.listen;
        let (listener, bound) = listen::bind(address).await?;
        if config.http.public_url.port() == Some(0) {
            // It fails only for URLs that cannot have a port; this one has one.
            let _ = config.http.public_url.set_port(Some(bound.port()));
        }
        let metrics_listener = match config.http.metrics {
            Some(address) => Some(listen::bind(address).await?.0),
            None => None,
        };
        local::start_stand_ins(&mut config, bound, timing.webhook_retries_ms, &stand_ins).await?;

        let metrics = Metrics::new();
        let clock = timing.clock;
        let db = Db::open_with(config.data.database_url.expose_secret(), config.data.pool_sizes).await?;
        let sink = AmplitudeSink::new(
            config.amplitude.ingest_url.as_str(),
            config.amplitude.api_key.clone(),
        )
        .map_err(StartError::client)?;
        let sink = match timing.upload {
            Some(timeout) => sink.with_request_timeout(timeout),
            None => sink,
        };
        let (outbox_clock, counters) = (clock.clone(), metrics.counters.clone());
        let dispatcher = Dispatcher::new(
            db.clone(),
            Arc::new(sink),
            Arc::new(move || outbox_clock.now_ms()),
            timing.outbox,
        )
        .observed_by(move |event, next| counters.delivery(&event.event_type, next));
        let mut backend =
            Backend::new(&config, &db, &clock, dispatcher.wakeup()).map_err(StartError::client)?;
        let counters = metrics.counters.clone();
        backend.billing = backend
            .billing
            .observed_by(move |observation| counters.webhook(observation));
        let tasks = TaskRegistry::new(clock.clone(), timing.tasks);
        let supervisor = Supervisor::new(tasks.clone(), stop.clone());
        backend.operations = backend.operations.watching(dispatcher.health(), tasks.clone());
        let forwarder = Forwarder::new(&config.amplitude).map_err(StartError::client)?;

        let counters = metrics.counters.clone();
        let sender = mail::sender(&config.mail, &backend, &db, &config.http.public_url)?
            .observed_by(move |kind, next| counters.mail(kind, next));
        let counters = metrics.counters.clone();
        let deleter = Deleter::new(
            db.clone(),
            clock.clone(),
            Arc::new(backend.billing.clone()),
            AmplitudeEraser::new(&config.amplitude).map_err(StartError::client)?,
            backend.accounts.deletion_wakeup(),
        )
        .observed_by(move |next| counters.attempt(DELETIONS, next));
        let counters = metrics.counters.clone();
        let customer_emails = backend.accounts.customer_email_wakeup();
        let customer_emails = CustomerEmailUpdater::new(backend.billing.clone(), customer_emails)
            .observed_by(move |next| counters.attempt(CUSTOMER_EMAILS, next));

        let delivery = dispatcher.health();
        let workers = Workers::new(
            dispatcher,
            backend.billing.clone(),
            timing.inbox,
            supervisor.clone(),
        );
        let lab = LocalLab::new(&config, &backend, &workers, &stop).map_err(StartError::client)?;
        let cookies = LoginCookies::new(db.clone(), clock);
        let cookie_key = cookie_key::cookie_key(&config.protection, &config.data.dir).map_err(|error| {
            StartError::CookieKey {
                folder: config.data.dir.clone(),
                error,
            }
        })?;
        let local_mode = config.is_local_mode();
        let leptos = leptos_options(address, &config.http.site_root);
        let build = SiteBuild::read(Path::new(leptos.site_root.as_ref()));
        if let Err(error) = backend.asset_builds.publish(&build.name, &build.stored).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "cannot store the files of this build; other servers cannot serve them"
            );
        }
        let draining = CancellationToken::new();
        let feeds = Feeds::new(limits, timing.http, stop.clone());
        let sources = Sources {
            backend: backend.clone(),
            db: db.clone(),
            tasks: tasks.clone(),
            feeds: feeds.clone(),
        };
        let metrics_listener =
            metrics_listener.map(|listener| MetricsListener::new(listener, metrics.clone(), sources));
        let state = AppState::new(SharedState {
            backend: Arc::new(backend.clone()),
            db: db.clone(),
            delivery,
            tasks,
            forwarder,
            draining: draining.clone(),
            metrics,
            assets: build.assets(),
            leptos,
            lab: lab.lab_state(),
            body_timeout: timing.http.body,
            feeds,
            site: Arc::new(Site {
                public_url: config.http.public_url.clone(),
                public_key: config.amplitude.public_key,
                trusted_proxies: config.http.trusted_proxies.clone(),
                local_access: config.http.local_access,
                cookie_key,
                consent_default: config.privacy.consent_default,
                local_mode,
            }),
        });
        let router = router::router(state, cookies, lab.routes());
        let connections = Connections::new(
            router,
            limits,
            config.http.trusted_proxies,
            timing.http,
            draining.clone(),
        );
        Ok(Self {
            listener,
            metrics: metrics_listener,
            connections,
            supervisor,
            workers,
            lab,
            sender: Arc::new(sender),
            deleter: Arc::new(deleter),
            customer_emails: Arc::new(customer_emails),
            backend,
            db,
            public_url: config.http.public_url,
            build: build.name,
            drain: config.http.drain,
            draining,
            stop,
            stand_ins,
        })
    }

    /// The URL that browsers use.
    pub fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// The address that it listens on.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The disturbance lab.
    pub const fn lab(&self) -> &LocalLab {
        &self.lab
    }

    /// Serves until `stop`. Then `/readyz` fails, and after [`HttpConfig::drain`](backend::config::HttpConfig::drain) no
    /// connection is accepted. Open requests, the current batch and the other tasks are finished. All of it takes at most
    /// 25 s.
    pub fn run(self, stop: CancellationToken) -> BoxFuture<'static, Result<(), StartError>> {
        // Boxed as in `start_with`.
        Box::pin(self.serve(stop))
    }

    async fn serve(mut self, stop: CancellationToken) -> Result<(), StartError> {
        if let Some(metrics) = self.metrics.take() {
            tokio::spawn(metrics.run(self.stop.clone()));
        }
        self.workers.start();
        self.start_tasks();
        let (draining, stopping, drain) = (self.draining.clone(), self.stop.clone(), self.drain);
        tokio::spawn(async move {
            stop.cancelled().await;
            draining.cancel();
            tokio::time::sleep(drain).await;
            stopping.cancel();
        });

        let all_ended = async {
            self.connections.serve(self.listener, self.stop.clone()).await;
            // Before the workers, because a run may start them again before it ends.
            self.lab.ended().await;
            self.workers.ended().await;
            self.supervisor.ended().await;
        };
        let deadline = async {
            self.draining.cancelled().await;
            tokio::time::sleep(STOP_TIMEOUT).await;
        };
        tokio::select! {
            () = all_ended => {}
            () = deadline => {
                tracing::warn!("not everything was finished in time; the outbox keeps what was not sent");
            }
        }
        let written = tokio::time::timeout(CLOSE_TIMEOUT, counts::write(&self.backend)).await;
        // Last, because the dispatcher sends its current batch to the stand-in.
        self.stand_ins.cancel();
        // A request that was not finished in time may hold SQLite's writer.
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, self.db.close()).await;
        if written.is_err() || closed.is_err() {
            tracing::warn!("the database was not closed in time");
        }
        Ok(())
    }

    /// Starts the tasks that the lab does not kill.
    fn start_tasks(&self) {
        let Self {
            supervisor, backend, ..
        } = self;
        let (all, build) = (backend.clone(), self.build.clone());
        supervisor.spawn("retention", move |stop| {
            maintenance::run(all.clone(), build.clone(), stop)
        });
        let all = backend.clone();
        supervisor.spawn("browser-counts", move |stop| counts::run(all.clone(), stop));
        let polls = backend.polls.clone();
        supervisor.spawn("poll-closing", move |stop| poll_closing::run(polls.clone(), stop));
        let sender = Arc::clone(&self.sender);
        supervisor.spawn("mail", move |stop| {
            let sender = Arc::clone(&sender);
            async move { sender.run(stop).await }
        });
        let deleter = Arc::clone(&self.deleter);
        supervisor.spawn("account-deletions", move |stop| {
            let deleter = Arc::clone(&deleter);
            async move { deleter.run(stop).await }
        });
        let customer_emails = Arc::clone(&self.customer_emails);
        supervisor.spawn("customer-emails", move |stop| {
            let updater = Arc::clone(&customer_emails);
            async move { updater.run(stop).await }
        });
    }
}

/// Installs the TLS provider: without one, or with two, the first connection panics. It fails only if one is installed
/// already.
pub(crate) fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Names of the build's files and folders. cargo-leptos sets other names during development.
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
