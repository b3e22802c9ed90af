//! Claims due rows under a lease and keeps each user's order.
//!
//! A claim takes the front of a lane: a row is claimed only together with every earlier unsettled row of the same user.
//! A lane with a valid lease, or whose first row is not due, is skipped. Parked rows do not block a lane.

use std::collections::HashSet;

use db::{Connection, Db, Engine};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{bind_all, placeholders};
use crate::OutboundEvent;

/// The parameters of a claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimRequest<'a> {
    /// Identifies the lease. Unique per dispatcher.
    pub(crate) owner: &'a str,
    pub(crate) now_ms: i64,
    pub(crate) lease_until_ms: i64,
    /// The largest number of rows.
    pub(crate) rows: usize,
    /// The largest number of rows per user.
    pub(crate) per_user: usize,
}

/// A row that is leased to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimedRow {
    pub(crate) sequence: i64,
    pub(crate) delivery: OutboundEvent,
    /// Attempts, including the coming one.
    pub(crate) attempts: i64,
    /// Earlier attempts that panicked.
    pub(crate) panics: i64,
    /// Start of the first earlier attempt of unknown outcome, in ms since the epoch. A crash leaves the outcome
    /// unknown.
    pub(crate) first_unknown_ms: Option<i64>,
}

/// An unsettled row that a claim considers.
struct CandidateRow {
    row: ClaimedRow,
    /// When the row may be claimed (ms since the epoch): its next attempt, or the end of its current lease.
    due_ms: i64,
}

/// On Postgres: locks the lanes against other transactions that add, claim or park rows. Skips lanes that are locked.
const JOIN_LANES: &str = "JOIN outbox_lanes AS lanes ON lanes.lane = front.lane";
const LOCK_LANES: &str = "FOR UPDATE OF lanes SKIP LOCKED";

/// Selects the lanes whose first unsettled row is due, oldest row first.
pub(super) fn due_lanes_sql(join: &str, lock: &str) -> String {
    format!(
        "SELECT front.lane FROM outbox AS front {join}
         WHERE front.state IN ('pending', 'leased')
           AND (CASE front.state WHEN 'leased' THEN front.lease_until_ms ELSE front.next_attempt_ms END) <= $1
           AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
                           WHERE earlier.state IN ('pending', 'leased')
                             AND earlier.lane = front.lane AND earlier.sequence < front.sequence)
         ORDER BY front.sequence LIMIT $2 {lock}"
    )
}

/// Selects the first unsettled rows of each of `lanes` lanes, oldest first.
pub(super) fn unsettled_rows_sql(lanes: usize) -> String {
    format!(
        "SELECT sequence, insert_id, lane, device_id, event_type, payload, attempts, panics, first_unknown_ms,
                CASE state WHEN 'leased' THEN lease_until_ms ELSE next_attempt_ms END AS due_ms
         FROM (SELECT outbox.*, ROW_NUMBER() OVER (PARTITION BY lane ORDER BY sequence) AS place
               FROM outbox WHERE state IN ('pending', 'leased') AND lane IN ({})) AS queued
         WHERE place <= $1 ORDER BY sequence LIMIT $2",
        placeholders(3, lanes)
    )
}

/// Claims due rows, oldest first, in one short transaction. Returns no rows when none are due or other dispatchers
/// claimed them first.
pub(crate) async fn claim(db: &Db, claim: &ClaimRequest<'_>) -> Result<Vec<ClaimedRow>, sqlx::Error> {
    if !is_any_row_due(db, claim.now_ms).await? {
        return Ok(Vec::new());
    }
    let mut tx = db.write().await?;
    let lanes = lock_due_lanes(&mut tx, db.engine(), claim).await?;
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let taken = due_fronts(unsettled_rows(&mut tx, &lanes, claim).await?, claim.now_ms);
    if taken.is_empty() || !lease(&mut tx, &taken, claim).await? {
        // Dropping the transaction rolls it back.
        return Ok(Vec::new());
    }
    tx.commit().await?;
    Ok(taken)
}

/// Checks without a lock. An idle dispatcher must not take SQLite's only write lock on every poll.
async fn is_any_row_due(db: &Db, now_ms: i64) -> Result<bool, sqlx::Error> {
    let sql = AssertSqlSafe(due_lanes_sql("", ""));
    let first = sqlx::query(sql)
        .bind(now_ms)
        .bind(1_i64)
        .fetch_optional(db.pool())
        .await?;
    Ok(first.is_some())
}

/// Locks and returns the lanes whose first unsettled row is due. On SQLite the write transaction is the lock.
async fn lock_due_lanes(
    connection: &mut Connection,
    engine: Engine,
    claim: &ClaimRequest<'_>,
) -> Result<Vec<String>, sqlx::Error> {
    let sql = match engine {
        Engine::Sqlite => due_lanes_sql("", ""),
        Engine::Postgres => due_lanes_sql(JOIN_LANES, LOCK_LANES),
    };
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(claim.now_ms)
        .bind(limit(claim.rows))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.try_get("lane")).collect()
}

/// Returns the first unsettled rows of each locked lane, oldest first. On Postgres this second statement is needed: it
/// sees everything that was committed before the lock was acquired, which the statement that found the lanes may not.
async fn unsettled_rows(
    connection: &mut Connection,
    lanes: &[String],
    claim: &ClaimRequest<'_>,
) -> Result<Vec<CandidateRow>, sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(unsettled_rows_sql(lanes.len())))
        .persistent(false)
        .bind(limit(claim.per_user))
        .bind(limit(claim.rows));
    let query = lanes.iter().fold(query, |query, lane| query.bind(lane.clone()));
    query
        .fetch_all(connection)
        .await?
        .iter()
        .map(read_candidate)
        .collect()
}

fn read_candidate(row: &AnyRow) -> Result<CandidateRow, sqlx::Error> {
    Ok(CandidateRow {
        due_ms: row.try_get("due_ms")?,
        row: ClaimedRow {
            sequence: row.try_get("sequence")?,
            attempts: row.try_get::<i64, _>("attempts")? + 1,
            panics: row.try_get("panics")?,
            first_unknown_ms: row.try_get("first_unknown_ms")?,
            delivery: OutboundEvent {
                insert_id: row.try_get("insert_id")?,
                user_id: row.try_get("lane")?,
                device_id: row.try_get("device_id")?,
                event_type: row.try_get("event_type")?,
                payload: row.try_get("payload")?,
            },
        },
    })
}

/// Returns the rows that may be sent: in each lane, the rows before the first one that is not due. `candidates` are in
/// sequence order.
fn due_fronts(candidates: Vec<CandidateRow>, now_ms: i64) -> Vec<ClaimedRow> {
    let mut waiting_lanes = HashSet::new();
    let mut taken = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let lane = &candidate.row.delivery.user_id;
        if waiting_lanes.contains(lane) {
            continue;
        }
        if candidate.due_ms <= now_ms {
            taken.push(candidate.row);
        } else {
            waiting_lanes.insert(lane.clone());
        }
    }
    taken
}

/// Writes the lease. Returns false if a row changed since it was read: the previous owner settled it after its lease
/// had ended. The caller must then claim nothing, because the lane's order may have changed.
///
/// The lease also marks the attempt as one of unknown outcome. Settling corrects this; a crash leaves it.
async fn lease(
    connection: &mut Connection,
    taken: &[ClaimedRow],
    claim: &ClaimRequest<'_>,
) -> Result<bool, sqlx::Error> {
    let sql = format!(
        "UPDATE outbox SET state = 'leased', lease_owner = $1, lease_until_ms = $2, attempts = attempts + 1,
                first_unknown_ms = COALESCE(first_unknown_ms, $3)
         WHERE sequence IN ({})
           AND ((state = 'pending' AND next_attempt_ms <= $3) OR (state = 'leased' AND lease_until_ms <= $3))",
        placeholders(4, taken.len())
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .bind(claim.owner.to_owned())
        .bind(claim.lease_until_ms)
        .bind(claim.now_ms);
    let leased = bind_all(query, taken.iter().map(|row| row.sequence))
        .execute(connection)
        .await?;
    Ok(leased.rows_affected() == taken.len() as u64)
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_due_front_of_each_lane_is_claimed() {
        let candidate = |sequence, lane: &str, due_ms| CandidateRow {
            due_ms,
            row: ClaimedRow {
                sequence,
                delivery: OutboundEvent {
                    insert_id: format!("event:{sequence}"),
                    user_id: lane.to_owned(),
                    device_id: None,
                    event_type: "Sign-up completed".to_owned(),
                    payload: "{}".to_owned(),
                },
                attempts: 1,
                panics: 0,
                first_unknown_ms: None,
            },
        };
        let candidates = vec![
            candidate(1, "ann", 5),
            candidate(2, "bob", 11),
            candidate(3, "ann", 10),
            candidate(4, "bob", 5),
            candidate(5, "ann", 11),
            candidate(6, "cid", 10),
            candidate(7, "ann", 5),
        ];
        let taken: Vec<_> = due_fronts(candidates, 10)
            .into_iter()
            .map(|row| row.sequence)
            .collect();
        assert_eq!(
            taken,
            [1, 3, 6],
            "no row of bob, whose first row is not due; no row of ann after the one that is not due"
        );
    }
}
