//! Settles the rows of a claim and releases its lanes.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use db::{Connection, Engine, Statement};
use sqlx::AssertSqlSafe;

use super::{PENDING, for_update, numbers, placeholders};
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
        self.settle_lanes(connection, lease, &held, updates, now_ms).await
    }

    /// [`Self::settle`] in the transaction in which [`Self::holds`] has locked the lanes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_held(
        &self,
        connection: &mut Connection,
        lease: &LaneLease,
        updates: &[RowUpdate],
        now_ms: i64,
    ) -> Result<usize, sqlx::Error> {
        self.settle_lanes(connection, lease, &lease.lanes, updates, now_ms)
            .await
    }

    async fn settle_lanes(
        &self,
        connection: &mut Connection,
        lease: &LaneLease,
        held: &[String],
        updates: &[RowUpdate],
        now_ms: i64,
    ) -> Result<usize, sqlx::Error> {
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
        let mut statements: Vec<Statement> = done
            .into_iter()
            .map(|(state, sequences)| self.finish_rows(state, &sequences, now_ms))
            .collect();
        statements.extend(self.park_rows(&parked, now_ms));
        statements.extend(self.retry_rows(&retried));
        let settled = self
            .release_lanes(connection, statements, Some(&lease.token), held)
            .await?;
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
            .persistent(lease.lanes.len() == 1)
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

    fn finish_rows(&self, state: &'static str, sequences: &[i64], now_ms: i64) -> Statement {
        match sequences {
            [sequence] => Statement::new(AssertSqlSafe(self.finish_sql(state, "$2")))
                .bind(now_ms)
                .bind(*sequence),
            several => {
                let listed = numbers(several.iter().copied());
                Statement::once(AssertSqlSafe(self.finish_sql(state, &listed))).bind(now_ms)
            }
        }
    }

    pub(crate) fn finish_sql(&self, state: &str, sequences: &str) -> String {
        format!(
            "UPDATE {} SET state = '{state}', attempts = attempts + 1, first_unknown_ms = NULL, last_error = NULL, {}
             WHERE state = 'pending' AND sequence IN ({sequences})",
            self.table, self.on_done
        )
    }

    /// Parks those of the rows that are pending, each with its reason. `None` without rows.
    pub(super) fn park_rows(&self, rows: &[(i64, String)], now_ms: i64) -> Option<Statement> {
        let statement = Statement::once(AssertSqlSafe(self.park_sql(rows))).bind(now_ms);
        let reasons = rows.iter().map(|(_, reason)| reason.as_str());
        (!rows.is_empty()).then(|| reasons.fold(statement, Statement::bind))
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

    /// `None` without rows.
    fn retry_rows(&self, rows: &[&RowUpdate]) -> Option<Statement> {
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
        let statement = Statement::once(AssertSqlSafe(self.retry_sql(&values)));
        (!rows.is_empty()).then(|| errors.into_iter().fold(statement, Statement::bind))
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

    /// Executes statements that change rows. Then deletes the lanes that have no pending row, and makes the others due at the
    /// time of their first pending row. `token` names the lease; `None`: the caller has locked the lanes. Returns the number
    /// of changed rows.
    pub(super) async fn release_lanes(
        &self,
        connection: &mut Connection,
        mut statements: Vec<Statement>,
        token: Option<&str>,
        lanes: &[String],
    ) -> Result<u64, sqlx::Error> {
        if lanes.is_empty() {
            return Ok(db::execute_all(connection, statements).await?.into_iter().sum());
        }
        let [delete, release] = self.release_sql(token.is_some(), lanes.len()).map(|sql| {
            let names = token.into_iter().chain(lanes.iter().map(String::as_str));
            names.fold(Statement::sized(AssertSqlSafe(sql), lanes.len()), Statement::bind)
        });
        statements.push(delete);
        let mut changed = db::execute_all(connection, statements).await?;
        if changed.pop() != Some(lanes.len() as u64) {
            release.execute(connection).await?;
        }
        Ok(changed.into_iter().sum())
    }

    pub(crate) fn release_sql(&self, is_leased: bool, lanes: usize) -> [String; 2] {
        let table = self.table;
        let owner = if is_leased { "lease_owner = $1 AND" } else { "" };
        let listed = placeholders(1 + usize::from(is_leased), lanes);
        let delete = format!(
            "DELETE FROM {table}_lanes WHERE {owner} lane IN ({listed})
               AND NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.lane = {table}_lanes.lane AND state = {PENDING})"
        );
        let release = format!(
            "UPDATE {table}_lanes SET lease_owner = NULL, leased_ms = NULL, leased_to = NULL,
                    next_due_ms = (SELECT next_attempt_ms FROM {table}
                                   WHERE {table}.lane = {table}_lanes.lane AND state = {PENDING}
                                   ORDER BY sequence LIMIT 1)
             WHERE {owner} lane IN ({listed})"
        );
        [delete, release]
    }
}
