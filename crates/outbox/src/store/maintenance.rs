//! Changes to rows outside delivery: parking, deletion, replay and pruning.

use db::{Connection, Db};
use serde_json::Value;
use tracking::UserId;

use super::OUTBOX;
use crate::ParkReason;
use crate::park_reason::CONSENT_WITHDRAWN;

/// Parks every unsent row of `user` in the caller's transaction. Returns the number of rows. A request in flight cannot
/// be stopped, but its row is parked too, so that it is not retried. Without consent the payloads keep no network address.
pub async fn park_unsent(
    connection: &mut Connection,
    user: UserId,
    reason: ParkReason,
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    let (lane, is_withdrawn, reason) = (
        user.to_string(),
        reason == ParkReason::ConsentWithdrawn,
        reason.to_string(),
    );
    let parked = OUTBOX.park_lane(connection, &lane, &reason, now_ms).await?;
    if is_withdrawn {
        remove_addresses(connection, &lane).await?;
    }
    Ok(parked)
}

/// Removes the network address (`ip`) from the payloads of the lane's parked rows.
async fn remove_addresses(connection: &mut Connection, lane: &str) -> Result<(), sqlx::Error> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT sequence, payload FROM outbox WHERE lane = $1 AND state = 'parked' AND payload LIKE '%\"ip\":%'",
    )
    .bind(lane)
    .fetch_all(&mut *connection)
    .await?;
    for (sequence, payload) in rows {
        let Ok(Value::Object(mut event)) = serde_json::from_str(&payload) else {
            continue;
        };
        event.remove("ip");
        sqlx::query("UPDATE outbox SET payload = $2 WHERE sequence = $1")
            .bind(sequence)
            .bind(Value::Object(event).to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Deletes every unsent row of `user`, including parked ones, in the caller's transaction. Returns the number of rows.
/// For account deletion only: the deleted insert IDs no longer prevent duplicates, so enqueue no event of this user
/// later.
pub async fn delete_unsent(
    connection: &mut Connection,
    user: UserId,
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    let lane = user.to_string();
    OUTBOX.lock_lane(connection, &lane, now_ms).await?;
    let deleted = sqlx::query("DELETE FROM outbox WHERE lane = $1 AND state IN ('pending', 'parked')")
        .bind(&lane)
        .execute(&mut *connection)
        .await?;
    OUTBOX.remove_lane_if_empty(connection, &lane).await?;
    Ok(deleted.rows_affected())
}

/// The outcome of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// The row is pending again, with no attempts.
    Replayed,
    /// The row does not exist or is not parked.
    NotParked,
    /// The row stays parked, because the user withdrew consent.
    ConsentWithdrawn,
}

/// Makes the parked row `insert_id` pending again. If an earlier attempt is more than 7 days old (`dedup window
/// passed`), the receiver may count the event twice. The operator decides.
pub async fn replay(
    connection: &mut Connection,
    insert_id: &str,
    now_ms: i64,
) -> Result<ReplayOutcome, sqlx::Error> {
    let parked: Option<(String, i64, String)> = sqlx::query_as(
        "SELECT lane, sequence, parked_reason FROM outbox WHERE insert_id = $1 AND state = 'parked'",
    )
    .bind(insert_id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((lane, sequence, reason)) = parked else {
        return Ok(ReplayOutcome::NotParked);
    };
    if reason == CONSENT_WITHDRAWN {
        return Ok(ReplayOutcome::ConsentWithdrawn);
    }
    let replayed = OUTBOX
        .replay(connection, &lane, sequence, &reason, now_ms)
        .await?;
    Ok(if replayed {
        ReplayOutcome::Replayed
    } else {
        ReplayOutcome::NotParked
    })
}

const DAY_MS: i64 = 24 * 60 * 60_000;

/// Days to keep a parked row. Its payload may contain personal data, and its event is too old to be of use.
pub const PARKED_KEEP_DAYS: u32 = 90;

pub(super) const DELETE_PARKED: &str = "DELETE FROM outbox WHERE sequence IN (
    SELECT sequence FROM outbox WHERE state = 'parked' AND parked_ms < $1 ORDER BY parked_ms LIMIT $2)";

/// Deletes rows that were parked more than [`PARKED_KEEP_DAYS`] before `now_ms`. Returns the number of rows. Sent rows
/// remain, so that their insert IDs stay unique.
pub async fn prune(db: &Db, now_ms: i64) -> Result<u64, sqlx::Error> {
    let before_ms = now_ms.saturating_sub(i64::from(PARKED_KEEP_DAYS) * DAY_MS);
    db.sweep(DELETE_PARKED, before_ms).await
}
