//! The loss meter: what browsers say they fired, and what of it came by.

mod store;

use std::sync::Arc;

use db::Db;
use tracking::loss::{Fired, Loss};
use tracking::{DeviceId, SessionId, UserId};

use crate::clock::Clock;
use crate::once::Once;

/// A day, in ms.
const DAY_MS: i64 = 86_400_000;

/// What Amplitude took of one session in one upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Feature events.
    pub events: u32,
    /// Page views.
    pub pages: u32,
    /// Events of the SDK's own.
    pub of_sdk: u32,
}

/// Whose losses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    All,
    /// A person's: in sessions in which they were signed in, and before that on the same devices.
    User(UserId),
    /// A device's, as long as nobody was signed in there.
    Device(DeviceId),
}

/// The verbs. Cheap to clone.
#[derive(Clone)]
pub struct LossMeter {
    db: Db,
    clock: Clock,
    /// What is written down already.
    known: Arc<Once<(Fired, bool)>>,
}

impl LossMeter {
    /// Over this database.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self {
            db,
            clock,
            known: Arc::default(),
        }
    }

    /// A browser said what it has fired. Its count only grows; one that came before costs nothing. `session`: the present
    /// one, in which a count may begin; of an earlier one it may only go on.
    pub async fn fired(
        &self,
        fired: &Fired,
        session: SessionId,
        user: Option<UserId>,
    ) -> Result<(), sqlx::Error> {
        if !self.known.is_new((fired.clone(), user.is_some())) {
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

    /// Amplitude took these events of a session that counts. Of another one nothing is noted.
    pub async fn arrived(
        &self,
        device: &DeviceId,
        session: SessionId,
        arrived: Arrived,
    ) -> Result<(), sqlx::Error> {
        let mut tx = self.db.write().await?;
        store::arrived(&mut tx, device, session, arrived).await?;
        tx.commit().await
    }

    /// What was lost.
    pub async fn of(&self, whose: &Whose) -> Result<Loss, sqlx::Error> {
        store::loss(self.db.pool(), whose).await
    }

    /// Drops counts that have not changed for `keep_days`.
    pub async fn prune(&self, keep_days: u32) -> Result<u64, sqlx::Error> {
        let before_ms = self.clock.now_ms() - i64::from(keep_days) * DAY_MS;
        store::prune(self.db.pool(), before_ms).await
    }
}
