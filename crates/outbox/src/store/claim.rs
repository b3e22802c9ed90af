//! Taking due rows under a lease, without ever breaking a person's order.
//!
//! Only the front of a lane is taken: a row is claimed together with every earlier unsettled row of its person, or not
//! at all. A lane with a live lease, or whose first row still waits, is left alone. Parked rows do not block.

use std::collections::HashSet;

use db::{Connection, Db, Engine};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{bind_all, placeholders};
use crate::Delivery;

/// Who claims, when, and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    /// Names the lease; nobody else may use it.
    pub(crate) owner: &'a str,
    pub(crate) now_ms: i64,
    pub(crate) lease_until_ms: i64,
    /// Rows at most.
    pub(crate) rows: usize,
    /// Rows of one person at most.
    pub(crate) per_person: usize,
}

/// A row that is ours until the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) sequence: i64,
    pub(crate) delivery: Delivery,
    /// Attempts, the coming one included.
    pub(crate) attempts: i64,
    /// Start of the first attempt of unknown outcome before this one. An attempt that ended in a crash is one.
    pub(crate) first_unknown_ms: Option<i64>,
}

/// An unsettled row as the claim finds it.
struct Queued {
    row: Claimed,
    /// When it may be taken: its next attempt, or the end of somebody's lease.
    due_ms: i64,
}

/// Locks a person against everybody who adds, claims or withdraws rows of theirs; people locked by others are passed by.
const GATE: &str = "JOIN outbox_lanes AS gate ON gate.lane = front.lane";
const LOCK_GATE: &str = "FOR UPDATE OF gate SKIP LOCKED";

/// The people whose first unsettled row is due, by the age of that row. Any earlier unsettled row of the same person,
/// due or not, keeps a row from being the first.
pub(super) fn due_lanes_sql(gate: &str, lock: &str) -> String {
    format!(
        "SELECT front.lane FROM outbox AS front {gate}
         WHERE front.state IN ('pending', 'leased')
           AND (CASE front.state WHEN 'leased' THEN front.lease_until_ms ELSE front.next_attempt_ms END) <= $1
           AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
                           WHERE earlier.state IN ('pending', 'leased')
                             AND earlier.lane = front.lane AND earlier.sequence < front.sequence)
         ORDER BY front.sequence LIMIT $2 {lock}"
    )
}

/// The first rows of `lanes` people, oldest first.
pub(super) fn unsettled_sql(lanes: usize) -> String {
    format!(
        "SELECT sequence, insert_id, lane, device_id, event_type, payload, attempts, first_unknown_ms,
                CASE state WHEN 'leased' THEN lease_until_ms ELSE next_attempt_ms END AS due_ms
         FROM (SELECT outbox.*, ROW_NUMBER() OVER (PARTITION BY lane ORDER BY sequence) AS place
               FROM outbox WHERE state IN ('pending', 'leased') AND lane IN ({})) AS queued
         WHERE place <= $1 ORDER BY sequence LIMIT $2",
        placeholders(3, lanes)
    )
}

/// Claims what is due, oldest first, in one short transaction. Empty where nothing is, or where others were faster.
pub(crate) async fn claim(db: &Db, claim: &Claim<'_>) -> Result<Vec<Claimed>, sqlx::Error> {
    if !anything_due(db, claim.now_ms).await? {
        return Ok(Vec::new());
    }
    let mut tx = db.write().await?;
    let lanes = lock_due_lanes(&mut tx, db.engine(), claim).await?;
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let taken = fronts(unsettled(&mut tx, &lanes, claim).await?, claim.now_ms);
    if taken.is_empty() || !lease(&mut tx, &taken, claim).await? {
        // Dropping the transaction rolls it back.
        return Ok(Vec::new());
    }
    tx.commit().await?;
    Ok(taken)
}

/// A look without a lock: an idle dispatcher must not take SQLite's only write lock every second.
async fn anything_due(db: &Db, now_ms: i64) -> Result<bool, sqlx::Error> {
    let sql = AssertSqlSafe(due_lanes_sql("", ""));
    let first = sqlx::query(sql)
        .bind(now_ms)
        .bind(1_i64)
        .fetch_optional(db.pool())
        .await?;
    Ok(first.is_some())
}

/// The people whose first unsettled row is due and whom nobody else is claiming. SQLite has one writer, and we are it.
async fn lock_due_lanes(
    connection: &mut Connection,
    engine: Engine,
    claim: &Claim<'_>,
) -> Result<Vec<String>, sqlx::Error> {
    let sql = match engine {
        Engine::Sqlite => due_lanes_sql("", ""),
        Engine::Postgres => due_lanes_sql(GATE, LOCK_GATE),
    };
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(claim.now_ms)
        .bind(limit(claim.rows))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.try_get("lane")).collect()
}

/// The first rows of each locked lane, oldest first. On Postgres this statement sees what was committed before the
/// lock was ours; the one that found the lanes may not have.
async fn unsettled(
    connection: &mut Connection,
    lanes: &[String],
    claim: &Claim<'_>,
) -> Result<Vec<Queued>, sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(unsettled_sql(lanes.len())))
        .persistent(false)
        .bind(limit(claim.per_person))
        .bind(limit(claim.rows));
    let query = lanes.iter().fold(query, |query, lane| query.bind(lane.clone()));
    query.fetch_all(connection).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Queued, sqlx::Error> {
    Ok(Queued {
        due_ms: row.try_get("due_ms")?,
        row: Claimed {
            sequence: row.try_get("sequence")?,
            attempts: row.try_get::<i64, _>("attempts")? + 1,
            first_unknown_ms: row.try_get("first_unknown_ms")?,
            delivery: Delivery {
                insert_id: row.try_get("insert_id")?,
                user_id: row.try_get("lane")?,
                device_id: row.try_get("device_id")?,
                event_type: row.try_get("event_type")?,
                payload: row.try_get("payload")?,
            },
        },
    })
}

/// From rows in sequence, those that may go: of each lane everything before its first row that is not due.
fn fronts(queue: Vec<Queued>, now_ms: i64) -> Vec<Claimed> {
    let mut waiting = HashSet::new();
    let mut taken = Vec::with_capacity(queue.len());
    for queued in queue {
        let lane = &queued.row.delivery.user_id;
        if waiting.contains(lane) {
            continue;
        }
        if queued.due_ms <= now_ms {
            taken.push(queued.row);
        } else {
            waiting.insert(lane.clone());
        }
    }
    taken
}

/// Writes the lease. False where a row changed under us: an owner whose lease had run out settled it just now. Then
/// nothing may be taken, since what we read of its lane is no longer so.
///
/// From here on the row says that an attempt of unknown outcome began; settling corrects that, a crash leaves it.
async fn lease(
    connection: &mut Connection,
    taken: &[Claimed],
    claim: &Claim<'_>,
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
    fn only_the_due_front_of_each_lane_is_taken() {
        let queued = |sequence, lane: &str, due_ms| Queued {
            due_ms,
            row: Claimed {
                sequence,
                delivery: Delivery {
                    insert_id: format!("event:{sequence}"),
                    user_id: lane.to_owned(),
                    device_id: None,
                    event_type: "Sign-up completed".to_owned(),
                    payload: "{}".to_owned(),
                },
                attempts: 1,
                first_unknown_ms: None,
            },
        };
        let queue = vec![
            queued(1, "ann", 5),
            queued(2, "bob", 11),
            queued(3, "ann", 10),
            queued(4, "bob", 5),
            queued(5, "ann", 11),
            queued(6, "cid", 10),
            queued(7, "ann", 5),
        ];
        let taken: Vec<_> = fronts(queue, 10).into_iter().map(|row| row.sequence).collect();
        assert_eq!(
            taken,
            [1, 3, 6],
            "nothing of bob, whose first waits; nothing of ann after the one that waits"
        );
    }
}
