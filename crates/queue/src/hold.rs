//! The work on a claim while its lease is renewed.

use std::convert::Infallible;
use std::time::Duration;

use db::Db;
use sqlx::any::AnyRow;

use crate::{AttemptPanicError, Claim, ClaimLimits, LaneLease, MillisClock, Queue, catch_panic, millis};

impl Queue {
    /// Claims due rows as [`Queue::claim`], in a transaction of its own. Takes no lock if nothing is due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_due<T>(
        &self,
        db: &Db,
        limits: ClaimLimits,
        now_ms: i64,
        read: fn(&AnyRow) -> Result<T, sqlx::Error>,
    ) -> Result<Option<Claim<T>>, sqlx::Error> {
        if !self.is_due(db, now_ms).await? {
            return Ok(None);
        }
        let mut tx = db.write().await?;
        let claim = self.claim(&mut tx, db.engine(), limits, now_ms, read).await?;
        tx.commit().await?;
        Ok(claim)
    }

    /// Runs the work on a claim, and renews the lease every third of `duration` meanwhile. A lease that another worker has
    /// claimed is not renewed.
    ///
    /// # Errors
    /// When the work panics.
    pub async fn hold<T>(
        &self,
        db: &Db,
        clock: &MillisClock,
        lease: &LaneLease,
        duration: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, AttemptPanicError> {
        // Both run concurrently, because each may hold a connection that the other waits for.
        tokio::select! {
            done = catch_panic(work) => done,
            never = self.renew_repeatedly(db, clock, lease, duration) => match never {},
        }
    }

    async fn renew_repeatedly(
        &self,
        db: &Db,
        clock: &MillisClock,
        lease: &LaneLease,
        duration: Duration,
    ) -> Infallible {
        loop {
            tokio::time::sleep(duration / 3).await;
            let until_ms = clock().saturating_add(millis(duration));
            if let Err(error) = self.renew(db, lease, until_ms).await {
                tracing::warn!(%error, table = self.table, "cannot renew a lease");
            }
        }
    }
}
