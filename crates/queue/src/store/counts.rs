//! Counts by state. Each is bounded and uses an index of the rows it counts.

use db::Db;
use sqlx::AssertSqlSafe;

use super::PENDING;
use crate::{COUNT_LIMIT, Queue, QueueCounts};

impl Queue {
    /// Counts the rows that are not done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self, db: &Db) -> Result<QueueCounts, sqlx::Error> {
        let (pending, leased, parked, oldest_pending_ms) = sqlx::query_as(AssertSqlSafe(self.counts_sql()))
            .bind(COUNT_LIMIT + 1)
            .fetch_one(db.pool())
            .await?;
        Ok(QueueCounts {
            pending,
            leased,
            parked,
            oldest_pending_ms,
        })
    }

    /// `CROSS JOIN`: SQLite reads the leased lanes first, also without statistics.
    pub(crate) fn counts_sql(&self) -> String {
        let table = self.table;
        format!(
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE state = 'pending' LIMIT $1) AS pending),
                    (SELECT COUNT(*) FROM (
                        SELECT 1 FROM {table}_lanes AS lanes CROSS JOIN {table} AS queued
                        WHERE lanes.lease_owner IS NOT NULL AND queued.lane = lanes.lane AND queued.state = {PENDING}
                          AND queued.sequence <= lanes.leased_to LIMIT $1) AS leased),
                    (SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE state = 'parked' LIMIT $1) AS parked),
                    (SELECT enqueued_ms FROM {table} WHERE state = 'pending' ORDER BY sequence LIMIT 1)"
        )
    }
}
