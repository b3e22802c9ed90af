//! The loss meter: compares the events that browsers sent with those that arrived.

mod store;

use std::sync::Arc;

use db::Db;
use tracking::loss::{FiredCount, Loss};
use tracking::{DeviceId, SessionId, UserId};

use crate::clock::Clock;
use crate::seen_set::SeenSet;

/// A day, in ms.
const DAY_MS: i64 = 86_400_000;

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
    /// Counts that were already written.
    written: Arc<SeenSet<(FiredCount, bool)>>,
}

impl LossMeter {
    /// Creates a meter for this database.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self {
            db,
            clock,
            written: Arc::default(),
        }
    }

    /// Raises a session's count of sent events. A repeated or smaller count changes nothing. `session` is the current
    /// session. Only its count may be created; counts of earlier sessions are only raised.
    pub async fn record_fired(
        &self,
        fired: &FiredCount,
        session: SessionId,
        user: Option<UserId>,
    ) -> Result<(), sqlx::Error> {
        if !self.written.insert((fired.clone(), user.is_some())) {
            return Ok(());
        }
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let is_present = fired.session == session;
        if is_present {
            store::begin(&mut tx, fired, now_ms).await?;
        }
        store::raise(&mut tx, fired, user.filter(|_| is_present), now_ms).await?;
        tx.commit().await
    }

    /// Adds events that Amplitude accepted. Ignored if the session has no count.
    pub async fn record_arrived(
        &self,
        device: &DeviceId,
        session: SessionId,
        arrived: ArrivedCounts,
    ) -> Result<(), sqlx::Error> {
        let mut tx = self.db.write().await?;
        store::arrived(&mut tx, device, session, arrived).await?;
        tx.commit().await
    }

    /// The loss in these sessions.
    pub async fn loss(&self, scope: &LossScope) -> Result<Loss, sqlx::Error> {
        store::loss(self.db.pool(), scope).await
    }

    /// Deletes counts that have not changed for `keep_days`.
    pub async fn prune(&self, keep_days: u32) -> Result<u64, sqlx::Error> {
        let before_ms = self.clock.now_ms() - i64::from(keep_days) * DAY_MS;
        store::prune(self.db.pool(), before_ms).await
    }
}
