//! Settles the rows of a claim and releases its lanes.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use db::{Connection, Engine};
use sqlx::AssertSqlSafe;

use super::{for_update, numbers, placeholders};
use crate::{LaneLease, NextRowState, Queue, RowUpdate};

impl Queue {
    /// Settles rows of a claim in the caller's transaction, and releases the lease. Rows of a lane that another worker
    /// has claimed since are not changed. Returns the number of updates that were not made: the lane was lost, or the row
    /// was parked or deleted meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle(
        &self,
        connection: &mut Connection,
        engine: Engine,
        lease: &LaneLease,
        updates: &[RowUpdate],
        now_ms: i64,
    ) -> Result<usize, sqlx::Error> {
        let held = self.held_lanes(connection, engine, lease).await?;
        let held_names = (held.len() < lease.lanes.len()).then(|| held.iter().collect::<HashSet<_>>());
        let is_held = |update: &&RowUpdate| match (&held_names, lease.lanes.get(update.lane)) {
            (None, _) => true,
            (Some(names), Some(lane)) => names.contains(lane),
            (Some(_), None) => false,
        };
        let mut done: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        let (mut parked, mut retried) = (Vec::new(), Vec::new());
        for update in updates.iter().filter(is_held) {
            match &update.next {
                NextRowState::Done(state) => done.entry(state).or_default().push(update.sequence),
                NextRowState::Park(reason) => parked.push((update.sequence, reason.clone())),
                NextRowState::Retry { .. } => retried.push(update),
            }
        }
        let mut settled = 0;
        for (state, sequences) in done {
            settled += self.finish_rows(connection, state, &sequences, now_ms).await?;
        }
        settled += self.park_rows(connection, &parked, now_ms).await?;
        settled += self.retry_rows(connection, &retried).await?;
        self.release_lanes(connection, Some(&lease.token), &held).await?;
        Ok(updates
            .len()
            .saturating_sub(usize::try_from(settled).unwrap_or(usize::MAX)))
    }

    /// Locks the lanes of the lease. Returns false if another worker has claimed one of them since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holds(
        &self,
        connection: &mut Connection,
        engine: Engine,
        lease: &LaneLease,
    ) -> Result<bool, sqlx::Error> {
        let held = self.held_lanes(connection, engine, lease).await?;
        Ok(held.len() == lease.lanes.len())
    }

    /// Locks the lanes of the lease that no other worker has claimed since, and returns them. They are locked in the
    /// order of their names, as by [`Queue::lock_lane`].
    async fn held_lanes(
        &self,
        connection: &mut Connection,
        engine: Engine,
        lease: &LaneLease,
    ) -> Result<Vec<String>, sqlx::Error> {
        let sql = self.held_lanes_sql(engine, lease.lanes.len());
        let query = sqlx::query_scalar(AssertSqlSafe(sql))
            .persistent(false)
            .bind(lease.token.clone());
        let query = lease
            .lanes
            .iter()
            .fold(query, |query, lane| query.bind(lane.clone()));
        query.fetch_all(connection).await
    }

    pub(crate) fn held_lanes_sql(&self, engine: Engine, lanes: usize) -> String {
        format!(
            "SELECT lane FROM {}_lanes WHERE lease_owner = $1 AND lane IN ({}) ORDER BY lane {}",
            self.table,
            placeholders(2, lanes),
            for_update(engine)
        )
    }

    async fn finish_rows(
        &self,
        connection: &mut Connection,
        state: &'static str,
        sequences: &[i64],
        now_ms: i64,
    ) -> Result<u64, sqlx::Error> {
        let sql = self.finish_sql(state, sequences);
        let finished = sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .bind(now_ms)
            .execute(connection)
            .await?;
        Ok(finished.rows_affected())
    }

    pub(crate) fn finish_sql(&self, state: &str, sequences: &[i64]) -> String {
        format!(
            "UPDATE {} SET state = '{state}', attempts = attempts + 1, first_unknown_ms = NULL, last_error = NULL, {}
             WHERE state = 'pending' AND sequence IN ({})",
            self.table,
            self.on_done,
            numbers(sequences.iter().copied())
        )
    }

    /// Parks rows, each with its reason. Returns the number of rows that were pending.
    pub(super) async fn park_rows(
        &self,
        connection: &mut Connection,
        rows: &[(i64, String)],
        now_ms: i64,
    ) -> Result<u64, sqlx::Error> {
        if rows.is_empty() {
            return Ok(0);
        }
        let sql = self.park_sql(rows);
        let query = sqlx::query(AssertSqlSafe(sql)).persistent(false).bind(now_ms);
        let query = rows
            .iter()
            .fold(query, |query, (_, reason)| query.bind(reason.clone()));
        Ok(query.execute(connection).await?.rows_affected())
    }

    pub(crate) fn park_sql(&self, rows: &[(i64, String)]) -> String {
        let values = (2..)
            .zip(rows)
            .map(|(number, (sequence, _))| format!("({sequence},${number})"))
            .collect::<Vec<_>>()
            .join(",");
        let (table, on_parked) = (self.table, self.on_parked);
        format!(
            "WITH parking (number, reason) AS (VALUES {values})
             UPDATE {table} SET {on_parked} state = 'parked', attempts = attempts + 1, parked_ms = $1,
                    parked_reason = parking.reason
             FROM parking WHERE sequence = parking.number AND state = 'pending'"
        )
    }

    async fn retry_rows(&self, connection: &mut Connection, rows: &[&RowUpdate]) -> Result<u64, sqlx::Error> {
        if rows.is_empty() {
            return Ok(0);
        }
        let mut values = String::new();
        let mut errors = Vec::with_capacity(rows.len());
        for row in rows {
            let NextRowState::Retry {
                at_ms,
                attempts,
                panics,
                first_unknown_ms,
                error,
            } = &row.next
            else {
                continue;
            };
            if !values.is_empty() {
                values.push(',');
            }
            errors.push(error.clone());
            let unknown = first_unknown_ms.map_or_else(|| "NULL".to_owned(), |ms| ms.to_string());
            // Writing to a string does not fail. Postgres needs the types: a column may be NULL in all rows.
            let _ = write!(
                values,
                "({},{at_ms},{attempts},{panics},CAST({unknown} AS BIGINT),CAST(${} AS TEXT))",
                row.sequence,
                errors.len()
            );
        }
        let query = sqlx::query(AssertSqlSafe(self.retry_sql(&values))).persistent(false);
        let query = errors.into_iter().fold(query, |query, error| query.bind(error));
        Ok(query.execute(connection).await?.rows_affected())
    }

    pub(crate) fn retry_sql(&self, values: &str) -> String {
        let table = self.table;
        format!(
            "WITH retry (number, at_ms, attempt_count, panic_count, unknown_ms, error) AS (VALUES {values})
             UPDATE {table} SET next_attempt_ms = retry.at_ms, attempts = retry.attempt_count,
                    panics = retry.panic_count, first_unknown_ms = retry.unknown_ms,
                    last_error = COALESCE(retry.error, last_error)
             FROM retry WHERE sequence = retry.number AND state = 'pending'"
        )
    }

    /// Deletes the lanes that have no pending row, and makes the others due at the time of their first pending row.
    /// `token` names the lease; `None`: the caller has locked the lanes.
    pub(super) async fn release_lanes(
        &self,
        connection: &mut Connection,
        token: Option<&str>,
        lanes: &[String],
    ) -> Result<(), sqlx::Error> {
        if lanes.is_empty() {
            return Ok(());
        }
        let mut left = lanes.len() as u64;
        for sql in self.release_sql(token.is_some(), lanes.len()) {
            if left == 0 {
                break;
            }
            let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            let query = token
                .into_iter()
                .map(str::to_owned)
                .chain(lanes.iter().cloned())
                .fold(query, |query, text| query.bind(text));
            left = left.saturating_sub(query.execute(&mut *connection).await?.rows_affected());
        }
        Ok(())
    }

    pub(crate) fn release_sql(&self, is_leased: bool, lanes: usize) -> [String; 2] {
        let table = self.table;
        let owner = if is_leased { "lease_owner = $1 AND" } else { "" };
        let listed = placeholders(1 + usize::from(is_leased), lanes);
        let delete = format!(
            "DELETE FROM {table}_lanes WHERE {owner} lane IN ({listed})
               AND NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.lane = {table}_lanes.lane AND state = 'pending')"
        );
        let release = format!(
            "UPDATE {table}_lanes SET lease_owner = NULL, leased_ms = NULL, leased_to = NULL,
                    next_due_ms = (SELECT next_attempt_ms FROM {table}
                                   WHERE {table}.lane = {table}_lanes.lane AND state = 'pending'
                                   ORDER BY sequence LIMIT 1)
             WHERE {owner} lane IN ({listed})"
        );
        [delete, release]
    }
}
