//! The loss meter: compares the events that browsers sent with those that arrived. It also records the sessions in which
//! the SDK ran. All counts wait in memory for [`LossMeter::flush`]; reading the loss flushes first.

mod pending;
mod store;

use std::sync::Arc;

use db::Db;
use tracking::loss::{FiredCount, Loss};
use tracking::{DeviceId, SessionId, Touch, UserId};

use crate::clock::Clock;
use crate::seen_set::SeenSet;
use crate::unwritten::UnwrittenCounts;
use pending::{PendingCounts, PendingFired};

pub(crate) use store::{loss_of, read_loss};

/// Events of one session that Amplitude accepted in one upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrivedCounts {
    /// Feature events.
    pub events: u32,
    /// Page views.
    pub pages: u32,
    /// Events that the SDK sends by default.
    pub sdk_events: u32,
}

/// Which sessions a loss covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LossScope {
    /// All sessions.
    All,
    /// The user's sessions, and earlier anonymous sessions on the same devices.
    User(UserId),
    /// The device's anonymous sessions.
    Device(DeviceId),
}

/// Counts sent and arrived events. Cheap to clone.
#[derive(Clone)]
pub struct LossMeter {
    db: Db,
    clock: Clock,
    pending: Arc<UnwrittenCounts<PendingCounts>>,
    /// Sessions with a count.
    sessions: Arc<SeenSet<(DeviceId, SessionId)>>,
    /// Counts that were already added.
    added: Arc<SeenSet<(FiredCount, bool)>>,
    /// Sessions with a recorded SDK run.
    sdk_sessions: Arc<SeenSet<(DeviceId, SessionId)>>,
}

impl LossMeter {
    /// Creates a meter for this database.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self {
            db,
            clock,
            pending: Arc::default(),
            sessions: Arc::default(),
            added: Arc::default(),
            sdk_sessions: Arc::default(),
        }
    }

    /// Whether this process has recorded no count of this session yet.
    pub fn is_new_session(&self, fired: &FiredCount) -> bool {
        !self.sessions.contains(&(fired.device.clone(), fired.session))
    }

    /// Whether this session of the SDK has not been recorded by this server.
    pub fn is_new_sdk_session(&self, device: &DeviceId, session: SessionId) -> bool {
        !self.sdk_sessions.contains(&(device.clone(), session))
    }

    /// Raises a session's count of sent events. A repeated or smaller count changes nothing. `session` is the current
    /// session. Only its count may be created; counts of earlier sessions are only raised.
    pub fn record_fired(&self, fired: &FiredCount, session: SessionId, user: Option<UserId>) {
        if !self.added.insert((fired.clone(), user.is_some())) {
            return;
        }
        self.sessions.insert((fired.device.clone(), fired.session));
        let is_present = fired.session == session;
        self.pending.lock().add_fired(PendingFired {
            count: fired.clone(),
            user: user.filter(|_| is_present),
            is_present,
            at_ms: self.clock.now_ms(),
        });
    }

    /// Adds events that Amplitude accepted. Ignored if the session has no count.
    pub fn record_arrived(&self, device: &DeviceId, session: SessionId, arrived: ArrivedCounts) {
        self.pending
            .lock()
            .add_arrived((device.clone(), session), arrived);
    }

    /// Records that Amplitude's SDK ran in a session of the user, once for each session.
    pub fn record_sdk_session(&self, user: UserId, device: &DeviceId, session: SessionId) {
        let key = (device.clone(), session);
        if self.sdk_sessions.insert(key.clone()) {
            self.pending
                .lock()
                .add_sdk_session(key, user, self.clock.now_ms());
        }
    }

    /// Records the first touch that the SDK reported for a device and that Amplitude accepted. Ignored if the device has no
    /// count.
    pub fn record_sdk_touch(&self, device: &DeviceId, touch: &Touch) {
        self.pending
            .lock()
            .add_sdk_campaign(device.clone(), touch.label());
    }

    /// Writes all counts in one transaction. If it fails or is canceled, they stay in memory.
    pub async fn flush(&self) -> Result<(), sqlx::Error> {
        let taken = self.pending.take();
        if taken.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        store::write(&mut tx, &taken).await?;
        tx.commit().await?;
        taken.written();
        Ok(())
    }

    /// The loss in these sessions.
    pub async fn loss(&self, scope: &LossScope) -> Result<Loss, sqlx::Error> {
        self.flush().await?;
        let connection = &mut *self.db.pool().acquire().await?;
        read_loss(&loss_of(scope).fetch(connection).await?)
    }
}
