//! The collector: settings, state and switches behind one cheap handle.

use std::sync::Arc;

use axum::Router;
use tokio::sync::watch;

use crate::{
    faults::Faults,
    http,
    plan::Plan,
    settings::{OpenError, Settings},
    store::{Store, read},
};

/// A running stand-in for one Amplitude project. Cloning it is cheap; all clones share one state.
#[derive(Clone)]
pub struct Collector {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    store: Store,
    plan: Option<Plan>,
    faults: Faults,
    news: watch::Sender<News>,
}

/// What live feeds are woken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// The newest event's number.
    pub(crate) latest: i64,
    /// How often everything was erased.
    pub(crate) resets: u64,
    /// No news will follow.
    pub(crate) ended: bool,
}

/// Opens a collector on its state, creating the state when it is missing.
///
/// # Errors
/// The state file cannot be opened or is of another layout, or the tracking plan cannot be used.
pub async fn open(settings: Settings) -> Result<Collector, OpenError> {
    let plan = settings.plan.clone().map(Plan::parse).transpose()?;
    let store = Store::open(&settings.state).await?;
    let latest = read::latest_sequence(store.readers()).await?;
    let news = watch::Sender::new(News {
        latest,
        resets: 0,
        ended: false,
    });
    Ok(Collector {
        inner: Arc::new(Inner {
            settings,
            store,
            plan,
            faults: Faults::none(),
            news,
        }),
    })
}

impl Collector {
    /// Everything that the collector answers: ingestion, the Dashboard REST API, the live feed, `/local/`
    /// and the index page. It answers requests for loopback host names only.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }

    /// Erases people, events and logs. The fault switches stay as they are.
    ///
    /// # Errors
    /// The state cannot be written.
    pub async fn reset(&self) -> Result<(), sqlx::Error> {
        self.inner.store.reset().await?;
        self.inner.news.send_modify(|news| news.resets += 1);
        Ok(())
    }

    /// Ends live feeds and lets hanging requests go, so that a server can shut down gracefully.
    pub fn end_feeds(&self) {
        self.inner.news.send_modify(|news| news.ended = true);
        if let Err(error) = self.inner.faults.set(Vec::new()) {
            tracing::error!(%error, "the fault switches could not be cleared");
        }
    }

    /// Ends live feeds, waits for running statements and lets the state file go.
    pub async fn close(&self) {
        self.end_feeds();
        self.inner.store.close().await;
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.inner.plan.as_ref()
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.settings.clock.now_ms()
    }

    pub(crate) fn news(&self) -> watch::Receiver<News> {
        self.inner.news.subscribe()
    }

    /// Wakes the live feeds once events up to `latest` are stored.
    pub(crate) fn announce(&self, latest: i64) {
        self.inner
            .news
            .send_modify(|news| news.latest = news.latest.max(latest));
    }
}
