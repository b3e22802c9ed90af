//! Changes by the client: locking a lane before an insert, parking a lane, and replaying a row.

use db::Connection;
use sqlx::AssertSqlSafe;

use crate::Queue;

impl Queue {
    /// Locks the lane until the transaction ends, and makes it due if it has no pending row. Call it before the insert of
    /// a row, so that rows of a lane are numbered in commit order. A transaction with rows of several lanes locks them in
    /// the order of their names, to avoid deadlocks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock_lane(
        &self,
        connection: &mut Connection,
        lane: &str,
        now_ms: i64,
    ) -> Result<(), sqlx::Error> {
        let table = self.table;
        // The first pending row decides when a lane is due. A new row is the last one of its lane.
        let sql = format!(
            "INSERT INTO {table}_lanes (lane, next_due_ms) VALUES ($1, $2)
             ON CONFLICT (lane) DO UPDATE SET next_due_ms = {table}_lanes.next_due_ms"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(lane.to_owned())
            .bind(now_ms)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Deletes the lane if it has no pending row and no lease. A claim does this too, but only when the lane is due: call it
    /// after rows were deleted whose lane may get new ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_lane_if_empty(
        &self,
        connection: &mut Connection,
        lane: &str,
    ) -> Result<(), sqlx::Error> {
        let table = self.table;
        let sql = format!(
            "DELETE FROM {table}_lanes WHERE lane = $1 AND lease_owner IS NULL
               AND NOT EXISTS (SELECT 1 FROM {table} WHERE lane = $1 AND state = 'pending')"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(lane.to_owned())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Parks all pending rows of a lane. Returns their number. Work in progress is not stopped, but its rows are not
    /// retried.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn park_lane(
        &self,
        connection: &mut Connection,
        lane: &str,
        reason: &str,
        now_ms: i64,
    ) -> Result<u64, sqlx::Error> {
        self.lock_lane(connection, lane, now_ms).await?;
        let sql = format!(
            "UPDATE {} SET {} state = 'parked', parked_ms = $1, parked_reason = $2
             WHERE lane = $3 AND state = 'pending'",
            self.table, self.on_parked
        );
        let parked = sqlx::query(AssertSqlSafe(sql))
            .bind(now_ms)
            .bind(reason.to_owned())
            .bind(lane.to_owned())
            .execute(&mut *connection)
            .await?;
        self.remove_lane_if_empty(connection, lane).await?;
        Ok(parked.rows_affected())
    }

    /// Makes a parked row pending again, with no attempts. Returns false if it is not parked for this reason. The row
    /// keeps its number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replay(
        &self,
        connection: &mut Connection,
        lane: &str,
        sequence: i64,
        reason: &str,
        now_ms: i64,
    ) -> Result<bool, sqlx::Error> {
        let table = self.table;
        // A lane with a later due time may become due too early here. The claim then corrects the time.
        let make_due = format!(
            "INSERT INTO {table}_lanes (lane, next_due_ms) VALUES ($1, $2)
             ON CONFLICT (lane) DO UPDATE SET next_due_ms = CASE
                 WHEN {table}_lanes.lease_owner IS NULL AND {table}_lanes.next_due_ms > excluded.next_due_ms
                 THEN excluded.next_due_ms ELSE {table}_lanes.next_due_ms END"
        );
        sqlx::query(AssertSqlSafe(make_due))
            .bind(lane.to_owned())
            .bind(now_ms)
            .execute(&mut *connection)
            .await?;
        let replay = format!(
            "UPDATE {table} SET state = 'pending', parked_ms = NULL, parked_reason = NULL, attempts = 0, panics = 0,
                    next_attempt_ms = $1, first_unknown_ms = NULL
             WHERE sequence = $2 AND state = 'parked' AND parked_reason = $3"
        );
        let replayed = sqlx::query(AssertSqlSafe(replay))
            .bind(now_ms)
            .bind(sequence)
            .bind(reason.to_owned())
            .execute(connection)
            .await?;
        Ok(replayed.rows_affected() == 1)
    }
}
