//! Claims due rows under a lease on their lanes.
//!
//! A claim takes the front of a lane: the pending rows before the first one that is not due. The lane's `next_due_ms` is
//! the time of its first pending row, or the end of its lease. So the index of `next_due_ms` alone finds the lanes to
//! claim, and an expired lease is found like a due row.

use std::ops::ControlFlow;

use db::{Connection, Db, Engine, Statement};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::{PENDING, for_update_skip_locked, placeholders};
use crate::{Claim, ClaimLimits, LaneLease, Queue, QueuedRow};

/// Rounds of one claim. A round that finds only lanes without due rows corrects these lanes, and another one follows. The
/// limit keeps the transaction short.
const MAX_ROUNDS: usize = 100;

/// A due lane, with one of its pending rows if it has any.
struct DueLane<T> {
    lane: String,
    /// The lease that ended without a settlement.
    ended: Option<EndedLease>,
    row: Option<PendingRow<T>>,
}

/// A lease whose owner crashed or lost its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EndedLease {
    leased_ms: i64,
    /// The last row that was claimed.
    leased_to: i64,
}

struct PendingRow<T> {
    sequence: i64,
    due_ms: i64,
    attempts: i64,
    panics: i64,
    first_unknown_ms: Option<i64>,
    /// The error says why the client's columns could not be read.
    job: Result<T, String>,
}

/// What a claim does with the due lanes.
struct TakenRows<T> {
    /// Lanes to lease, each with its last claimed row.
    lanes: Vec<(String, i64)>,
    rows: Vec<QueuedRow<T>>,
    /// Lanes of which no row is taken.
    idle: Vec<String>,
    /// Rows whose columns cannot be read, with the error.
    unreadable: Vec<(i64, String)>,
    /// Lanes with an ended lease.
    ended: Vec<(String, EndedLease)>,
}

impl Queue {
    /// Whether a lane is due, without a lock. An idle worker must not take SQLite's only write lock on every poll.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_due(&self, db: &Db, now_ms: i64) -> Result<bool, sqlx::Error> {
        let first = sqlx::query(AssertSqlSafe(self.is_due_sql())).bind(now_ms);
        Ok(first.fetch_optional(db.pool()).await?.is_some())
    }

    pub(crate) fn is_due_sql(&self) -> String {
        format!(
            "SELECT lane FROM {}_lanes WHERE next_due_ms <= $1 LIMIT 1",
            self.table
        )
    }

    /// Claims due rows in the caller's transaction, from the lanes that have been due longest. `read` reads the client's
    /// columns of a row; a row that it cannot read is parked. Returns `None` when nothing is due, or other workers have
    /// claimed it; commit in this case too. Due lanes without due rows are corrected, and the claim
    /// continues with the next ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim<T>(
        &self,
        connection: &mut Connection,
        engine: Engine,
        limits: ClaimLimits,
        now_ms: i64,
        read: fn(&AnyRow) -> Result<T, sqlx::Error>,
    ) -> Result<Option<Claim<T>>, sqlx::Error> {
        for _ in 0..MAX_ROUNDS {
            if let ControlFlow::Break(claim) =
                self.claim_round(connection, engine, limits, now_ms, read).await?
            {
                return Ok(claim);
            }
        }
        Ok(None)
    }

    /// Claims rows of the lanes that have been due longest. `Continue`: none of these lanes has a due row. They are not due
    /// any more, so another round may find others.
    async fn claim_round<T>(
        &self,
        connection: &mut Connection,
        engine: Engine,
        limits: ClaimLimits,
        now_ms: i64,
        read: fn(&AnyRow) -> Result<T, sqlx::Error>,
    ) -> Result<ControlFlow<Option<Claim<T>>>, sqlx::Error> {
        let locked = match engine {
            Engine::Sqlite if limits.lanes >= limits.rows => None,
            _ => Some(self.lock_due_lanes(connection, engine, limits, now_ms).await?),
        };
        if locked.as_ref().is_some_and(Vec::is_empty) {
            return Ok(ControlFlow::Break(None));
        }
        let found = self
            .due_rows(connection, engine, locked.as_deref(), limits, now_ms, read)
            .await?;
        if found.is_empty() {
            return Ok(ControlFlow::Break(None));
        }
        let mut taken = take_due(found, now_ms);
        self.record_ended_leases(connection, &taken.ended).await?;
        if !taken.unreadable.is_empty() {
            tracing::error!(
                table = self.table,
                rows = taken.unreadable.len(),
                "rows cannot be read; they were parked"
            );
        }
        let parked = self.park_rows(&taken.unreadable, now_ms);
        db::execute_all(connection, parked).await?;
        self.release_lanes(connection, Vec::new(), None, &taken.idle)
            .await?;
        if taken.rows.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let lease = LaneLease {
            token: new_token(),
            until_ms: now_ms.saturating_add(limits.lease_ms),
            lanes: Vec::with_capacity(taken.lanes.len()),
        };
        let lease = self.lease(connection, lease, taken.lanes, now_ms).await?;
        taken.rows.sort_unstable_by_key(|row| row.sequence);
        Ok(ControlFlow::Break(Some(Claim {
            lease,
            rows: taken.rows,
        })))
    }

    /// Locks and returns the lanes that have been due longest. On Postgres the rows are read by a second statement, which
    /// sees everything that was committed before the locks were acquired.
    async fn lock_due_lanes(
        &self,
        connection: &mut Connection,
        engine: Engine,
        limits: ClaimLimits,
        now_ms: i64,
    ) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(AssertSqlSafe(self.due_lanes_sql(engine)))
            .bind(now_ms)
            .bind(limit(limits.lanes.min(limits.rows)))
            .fetch_all(connection)
            .await
    }

    pub(crate) fn due_lanes_sql(&self, engine: Engine) -> String {
        format!(
            "SELECT lane FROM {}_lanes WHERE next_due_ms <= $1 ORDER BY next_due_ms, lane LIMIT $2 {}",
            self.table,
            for_update_skip_locked(engine)
        )
    }

    pub(crate) fn due_rows_sql(&self, engine: Engine, locked: Option<usize>) -> String {
        let (table, columns) = (self.table, self.columns);
        let condition = locked.map_or_else(String::new, |lanes| {
            format!("AND lanes.lane IN ({})", placeholders(4, lanes))
        });
        let queued = match engine {
            // For a plain join with many lanes Postgres reads all pending rows.
            Engine::Postgres => format!(
                "LATERAL (SELECT * FROM {table} WHERE {table}.lane = lanes.lane AND {table}.state = {PENDING}
                          ORDER BY {table}.sequence LIMIT $3 + 1) AS queued ON TRUE"
            ),
            Engine::Sqlite => format!(
                "{table} AS queued
                   ON queued.lane = lanes.lane AND queued.state = {PENDING} AND queued.sequence <= COALESCE((
                        SELECT last.sequence FROM {table} AS last WHERE last.lane = lanes.lane AND last.state = {PENDING}
                        ORDER BY last.sequence LIMIT 1 OFFSET $3), {})",
                i64::MAX
            ),
        };
        format!(
            "SELECT lanes.lane, lanes.leased_ms, lanes.leased_to, queued.sequence, queued.next_attempt_ms,
                    queued.attempts, queued.panics, queued.first_unknown_ms, {columns}
             FROM {table}_lanes AS lanes LEFT JOIN {queued}
             WHERE lanes.next_due_ms <= $1 {condition}
             ORDER BY lanes.next_due_ms, lanes.lane, queued.sequence LIMIT $2"
        )
    }

    /// Returns the due lanes with the first pending rows of each, grouped by lane.
    async fn due_rows<T>(
        &self,
        connection: &mut Connection,
        engine: Engine,
        locked: Option<&[String]>,
        limits: ClaimLimits,
        now_ms: i64,
        read: fn(&AnyRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<DueLane<T>>, sqlx::Error> {
        let sql = AssertSqlSafe(self.due_rows_sql(engine, locked.map(<[String]>::len)));
        let query = sqlx::query(sql)
            .persistent(locked.is_none_or(|lanes| lanes.len() == 1))
            .bind(now_ms)
            .bind(limit(limits.rows))
            .bind(limit(limits.per_lane.max(1)) - 1);
        let query = locked
            .unwrap_or_default()
            .iter()
            .fold(query, |query, lane| query.bind(lane.clone()));
        let rows = query.fetch_all(connection).await?;
        rows.iter().map(|row| read_due(row, read)).collect()
    }

    /// Counts the attempts that ended leases left behind, as attempts of unknown outcome.
    async fn record_ended_leases(
        &self,
        connection: &mut Connection,
        ended: &[(String, EndedLease)],
    ) -> Result<(), sqlx::Error> {
        for (lane, EndedLease { leased_ms, leased_to }) in ended {
            sqlx::query(AssertSqlSafe(self.ended_lease_sql()))
                .bind(*leased_ms)
                .bind(*leased_to)
                .bind(lane.clone())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    pub(crate) fn ended_lease_sql(&self) -> String {
        format!(
            "UPDATE {} SET attempts = attempts + 1, first_unknown_ms = COALESCE(first_unknown_ms, $1)
             WHERE sequence <= $2 AND lane = $3 AND state = {PENDING}",
            self.table
        )
    }

    /// Writes the lease to the lanes.
    async fn lease(
        &self,
        connection: &mut Connection,
        mut lease: LaneLease,
        lanes: Vec<(String, i64)>,
        now_ms: i64,
    ) -> Result<LaneLease, sqlx::Error> {
        let mut query = sqlx::query(AssertSqlSafe(self.lease_sql(lanes.len())))
            .persistent(lanes.len() == 1)
            .bind(now_ms)
            .bind(lease.until_ms)
            .bind(lease.token.clone());
        for (lane, leased_to) in lanes {
            query = query.bind(lane.clone()).bind(leased_to);
            lease.lanes.push(lane);
        }
        query.execute(connection).await?;
        Ok(lease)
    }

    pub(crate) fn lease_sql(&self, lanes: usize) -> String {
        let table = self.table;
        let values = (0..lanes)
            .map(|lane| format!("(${},${})", 4 + 2 * lane, 5 + 2 * lane))
            .collect::<Vec<_>>()
            .join(",");
        format!(
            "WITH taken (lane, leased_to) AS (VALUES {values})
             UPDATE {table}_lanes SET leased_ms = $1, next_due_ms = $2, lease_owner = $3, leased_to = taken.leased_to
             FROM taken WHERE {table}_lanes.lane = taken.lane"
        )
    }

    /// Prolongs the lease until `until_ms` (ms since the epoch), in a transaction of its own. Returns false if another
    /// worker has claimed one of its lanes since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew(&self, db: &Db, lease: &LaneLease, until_ms: i64) -> Result<bool, sqlx::Error> {
        let sql = format!(
            "UPDATE {}_lanes SET next_due_ms = $1 WHERE lease_owner = $2 AND lane IN ({})",
            self.table,
            placeholders(3, lease.lanes.len())
        );
        let renewal = Statement::sized(AssertSqlSafe(sql), lease.lanes.len())
            .bind(until_ms)
            .bind(lease.token.as_str());
        let lanes = lease.lanes.iter().map(String::as_str);
        let renewed = db.execute([lanes.fold(renewal, Statement::bind)]).await?;
        Ok(renewed == lease.lanes.len() as u64)
    }
}

#[expect(clippy::disallowed_methods, reason = "the value is only compared with itself")]
fn new_token() -> String {
    Uuid::new_v4().simple().to_string()
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn read_due<T>(row: &AnyRow, read: fn(&AnyRow) -> Result<T, sqlx::Error>) -> Result<DueLane<T>, sqlx::Error> {
    let leased_ms: Option<i64> = row.try_get(1)?;
    let leased_to: Option<i64> = row.try_get(2)?;
    let sequence: Option<i64> = row.try_get(3)?;
    let pending = match sequence {
        None => None,
        Some(sequence) => Some(PendingRow {
            sequence,
            due_ms: row.try_get(4)?,
            attempts: row.try_get(5)?,
            panics: row.try_get(6)?,
            first_unknown_ms: row.try_get(7)?,
            job: read(row).map_err(|error| format!("cannot be read: {error}")),
        }),
    };
    Ok(DueLane {
        lane: row.try_get(0)?,
        ended: leased_ms
            .zip(leased_to)
            .map(|(leased_ms, leased_to)| EndedLease { leased_ms, leased_to }),
        row: pending,
    })
}

/// Takes the due front of each lane. `found` is grouped by lane, and the rows of a lane are in order.
fn take_due<T>(found: Vec<DueLane<T>>, now_ms: i64) -> TakenRows<T> {
    let mut taken = TakenRows {
        lanes: Vec::new(),
        rows: Vec::with_capacity(found.len()),
        idle: Vec::new(),
        unreadable: Vec::new(),
        ended: Vec::new(),
    };
    let mut found = found.into_iter().peekable();
    while let Some(first) = found.next() {
        let DueLane { lane, ended, row } = first;
        let mut is_waiting = false;
        let mut leased_to = None;
        let mut next = row;
        loop {
            if let Some(row) = next {
                is_waiting |= row.due_ms > now_ms;
                match row.job {
                    _ if is_waiting => {}
                    Err(error) => taken.unreadable.push((row.sequence, error)),
                    Ok(job) => {
                        let unknown = ended.filter(|ended| row.sequence <= ended.leased_to);
                        leased_to = Some(row.sequence);
                        taken.rows.push(QueuedRow {
                            lane: taken.lanes.len(),
                            sequence: row.sequence,
                            attempts: row.attempts + 1 + i64::from(unknown.is_some()),
                            panics: row.panics,
                            first_unknown_ms: row.first_unknown_ms.or(unknown.map(|ended| ended.leased_ms)),
                            job,
                        });
                    }
                }
            }
            match found.next_if(|other| other.lane == lane) {
                Some(other) => next = other.row,
                None => break,
            }
        }
        if let Some(ended) = ended {
            taken.ended.push((lane.clone(), ended));
        }
        match leased_to {
            Some(leased_to) => taken.lanes.push((lane, leased_to)),
            None => taken.idle.push(lane),
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(lane: &str, ended: Option<EndedLease>, sequence: i64, due_ms: i64) -> DueLane<i64> {
        DueLane {
            lane: lane.to_owned(),
            ended,
            row: Some(PendingRow {
                sequence,
                due_ms,
                attempts: 0,
                panics: 0,
                first_unknown_ms: None,
                job: Ok(sequence),
            }),
        }
    }

    #[test]
    fn only_the_due_front_of_each_lane_is_taken() {
        let found = vec![
            due("ann", None, 1, 5),
            due("ann", None, 3, 10),
            due("ann", None, 5, 11),
            due("ann", None, 7, 5),
            due("bob", None, 2, 11),
            due("bob", None, 4, 5),
            due("cid", None, 6, 10),
            DueLane {
                lane: "dan".to_owned(),
                ended: None,
                row: None,
            },
        ];
        let taken = take_due(found, 10);
        let rows: Vec<_> = taken.rows.iter().map(|row| (row.lane, row.sequence)).collect();
        assert_eq!(
            rows,
            [(0, 1), (0, 3), (1, 6)],
            "no row of ann after the one that is not due; no row of bob, whose first row is not due"
        );
        assert_eq!(taken.lanes, [("ann".to_owned(), 3), ("cid".to_owned(), 6)]);
        assert_eq!(taken.idle, ["bob", "dan"]);
    }

    #[test]
    fn rows_of_an_ended_lease_have_one_more_attempt_of_unknown_outcome() {
        let ended = EndedLease {
            leased_ms: 3,
            leased_to: 1,
        };
        let taken = take_due(
            vec![due("ann", Some(ended), 1, 0), due("ann", Some(ended), 2, 0)],
            10,
        );
        let rows: Vec<_> = taken
            .rows
            .iter()
            .map(|row| (row.attempts, row.first_unknown_ms))
            .collect();
        assert_eq!(rows, [(2, Some(3)), (1, None)]);
        assert_eq!(taken.ended, [("ann".to_owned(), ended)]);
    }

    #[test]
    fn an_unreadable_row_is_set_aside_and_blocks_no_other() {
        let mut bad = due("ann", None, 1, 0);
        if let Some(row) = &mut bad.row {
            row.job = Err("no kind".to_owned());
        }
        let taken = take_due(vec![bad, due("ann", None, 2, 0)], 10);
        assert_eq!(taken.unreadable, [(1, "no kind".to_owned())]);
        assert_eq!(taken.rows.len(), 1);
    }
}
