//! Changes to rows outside delivery: parking, deletion, replay and pruning.

use db::{Connection, Db};
use tracking::UserId;

use super::enqueue::lock_lane;
use crate::ParkReason;
use crate::park_reason::CONSENT_WITHDRAWN;

/// Parks every unsent row of `user` in the caller's transaction. Returns the number of rows. A request in flight cannot
/// be stopped, but its row is parked too, so that it is not retried.
pub async fn park_unsent(
    connection: &mut Connection,
    user: UserId,
    reason: ParkReason,
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    let lane = user.to_string();
    lock_lane(connection, &lane, now_ms).await?;
    let parked = sqlx::query(
        "UPDATE outbox SET state = 'parked', parked_ms = $1, parked_reason = $2, lease_owner = NULL,
                lease_until_ms = NULL
         WHERE lane = $3 AND state IN ('pending', 'leased')",
    )
    .bind(now_ms)
    .bind(reason.to_string())
    .bind(lane)
    .execute(connection)
    .await?;
    Ok(parked.rows_affected())
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
    lock_lane(connection, &lane, now_ms).await?;
    let deleted = sqlx::query("DELETE FROM outbox WHERE lane = $1 AND state <> 'sent'")
        .bind(lane)
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected())
}

/// Erases payload and device ID of every sent row of `user`. Returns the number of rows.
pub async fn erase_sent_payloads(connection: &mut Connection, user: UserId) -> Result<u64, sqlx::Error> {
    let erased =
        sqlx::query("UPDATE outbox SET payload = NULL, device_id = NULL WHERE lane = $1 AND state = 'sent'")
            .bind(user.to_string())
            .execute(connection)
            .await?;
    Ok(erased.rows_affected())
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
    let parked: Option<(String, String)> =
        sqlx::query_as("SELECT lane, parked_reason FROM outbox WHERE insert_id = $1 AND state = 'parked'")
            .bind(insert_id.to_owned())
            .fetch_optional(&mut *connection)
            .await?;
    let Some((lane, reason)) = parked else {
        return Ok(ReplayOutcome::NotParked);
    };
    if reason == CONSENT_WITHDRAWN {
        return Ok(ReplayOutcome::ConsentWithdrawn);
    }
    lock_lane(connection, &lane, now_ms).await?;
    let replayed = sqlx::query(
        "UPDATE outbox SET state = 'pending', parked_ms = NULL, parked_reason = NULL, attempts = 0,
                panics = 0, next_attempt_ms = $1, first_unknown_ms = NULL
         WHERE insert_id = $2 AND state = 'parked' AND parked_reason <> $3",
    )
    .bind(now_ms)
    .bind(insert_id.to_owned())
    .bind(CONSENT_WITHDRAWN)
    .execute(connection)
    .await?;
    Ok(if replayed.rows_affected() == 1 {
        ReplayOutcome::Replayed
    } else {
        ReplayOutcome::NotParked
    })
}

const DAY_MS: i64 = 24 * 60 * 60_000;

/// Days to keep a parked row. Its payload may contain personal data, and its event is too old to be of use.
pub const PARKED_KEEP_DAYS: u32 = 90;

pub(super) const ERASE_SENT_PAYLOADS: &str = "UPDATE outbox SET payload = NULL WHERE sequence IN (
    SELECT sequence FROM outbox
    WHERE state = 'sent' AND payload IS NOT NULL AND sent_ms < $1 ORDER BY sent_ms LIMIT $2)";

pub(super) const DELETE_PARKED: &str = "DELETE FROM outbox WHERE sequence IN (
    SELECT sequence FROM outbox WHERE state = 'parked' AND parked_ms < $1 ORDER BY parked_ms LIMIT $2)";

/// Erases the payload of rows that were sent more than `keep_days` before `now_ms`, and deletes rows that were parked more
/// than [`PARKED_KEEP_DAYS`] before. Returns the number of rows. Sent rows remain, so that their insert IDs stay unique.
pub async fn prune(db: &Db, now_ms: i64, keep_days: u32) -> Result<u64, sqlx::Error> {
    let before_ms = |days: u32| now_ms.saturating_sub(i64::from(days) * DAY_MS);
    let erased = db.sweep(ERASE_SENT_PAYLOADS, before_ms(keep_days)).await?;
    let deleted = db.sweep(DELETE_PARKED, before_ms(PARKED_KEEP_DAYS)).await?;
    Ok(erased + deleted)
}
