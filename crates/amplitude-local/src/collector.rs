//! The collector: a cheap handle to the settings, the state file, the fault switches and the live feeds.

use std::sync::Arc;

use local_service::StateError;
use tokio::sync::watch;

use crate::{
    faults::FaultSwitches,
    settings::{CollectorOpenError, CollectorSettings},
    store::{EventStore, event_queries},
    tracking_plan::TrackingPlan,
};

/// A running stand-in for one Amplitude project. Cloning it is cheap; all clones share one state.
#[derive(Clone)]
pub struct Collector {
    inner: Arc<Inner>,
}

struct Inner {
    settings: CollectorSettings,
    store: EventStore,
    plan: Option<TrackingPlan>,
    faults: FaultSwitches,
    feed_state: watch::Sender<FeedState>,
}

/// What live feeds watch. Each change wakes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedState {
    /// The sequence number of the newest event.
    pub(crate) latest_sequence: i64,
    /// The number of resets since the start.
    pub(crate) reset_count: u64,
    /// Whether the collector is stopping, so that feeds must end.
    pub(crate) is_ended: bool,
}

/// Opens a collector and its state file, which is created if it does not exist.
///
/// # Errors
/// The state file cannot be opened or has another schema version, or the tracking plan is not valid.
pub async fn open(settings: CollectorSettings) -> Result<Collector, CollectorOpenError> {
    let plan = settings.plan.clone().map(TrackingPlan::parse).transpose()?;
    let store = EventStore::open(&settings.state).await?;
    let latest_sequence = event_queries::latest_sequence(store.readers())
        .await
        .map_err(StateError::from)?;
    let feed_state = watch::Sender::new(FeedState {
        latest_sequence,
        reset_count: 0,
        is_ended: false,
    });
    Ok(Collector {
        inner: Arc::new(Inner {
            settings,
            store,
            plan,
            faults: FaultSwitches::new(),
            feed_state,
        }),
    })
}

impl Collector {
    /// Deletes all people, events and logs. Keeps the fault switches.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub async fn reset(&self) -> Result<(), sqlx::Error> {
        self.inner.store.reset().await?;
        self.inner.feed_state.send_modify(|state| state.reset_count += 1);
        Ok(())
    }

    /// Ends live feeds and requests held by a `hang` fault, so that a server can stop gracefully.
    pub fn end_feeds(&self) {
        self.inner.feed_state.send_modify(|state| state.is_ended = true);
        if let Err(error) = self.inner.faults.replace(Vec::new()) {
            tracing::error!(%error, "cannot clear the fault switches");
        }
    }

    /// Ends live feeds, waits for running statements and closes the state file.
    pub async fn close(&self) {
        self.end_feeds();
        self.inner.store.close().await;
    }

    pub(crate) fn settings(&self) -> &CollectorSettings {
        &self.inner.settings
    }

    pub(crate) fn store(&self) -> &EventStore {
        &self.inner.store
    }

    pub(crate) fn plan(&self) -> Option<&TrackingPlan> {
        self.inner.plan.as_ref()
    }

    pub(crate) fn faults(&self) -> &FaultSwitches {
        &self.inner.faults
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.settings.clock.now_ms()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<FeedState> {
        self.inner.feed_state.subscribe()
    }

    /// Wakes the live feeds. All events up to `latest_sequence` must be stored.
    pub(crate) fn publish(&self, latest_sequence: i64) {
        self.inner
            .feed_state
            .send_modify(|state| state.latest_sequence = state.latest_sequence.max(latest_sequence));
    }
}
