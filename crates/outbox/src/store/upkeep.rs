//! What happens to rows outside of delivery: withdrawn, dropped, forgotten, replayed, pruned.

use db::{Connection, Db};
use tracking::UserId;

use super::enqueue::enter_lane;
use crate::ParkReason;
use crate::park_reason::CONSENT_WITHDRAWN;

/// Parks every unsent row of `user`, on the caller's transaction; says how many. A request that is under way cannot be
/// called back, but its row is parked too, so that it is not repeated.
pub async fn park_unsent(
    connection: &mut Connection,
    user: UserId,
    reason: ParkReason,
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    let lane = user.to_string();
    enter_lane(connection, &lane, now_ms).await?;
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

/// Deletes every row of `user` that was not sent, parked ones included, on the caller's transaction; says how many.
/// For the deletion of an account: nothing of it may be enqueued afterwards, since these insert IDs are forgotten.
pub async fn drop_unsent(connection: &mut Connection, user: UserId, now_ms: i64) -> Result<u64, sqlx::Error> {
    let lane = user.to_string();
    enter_lane(connection, &lane, now_ms).await?;
    let dropped = sqlx::query("DELETE FROM outbox WHERE lane = $1 AND state <> 'sent'")
        .bind(lane)
        .execute(connection)
        .await?;
    Ok(dropped.rows_affected())
}

/// Takes payload and device from every sent row of `user` now, without waiting for [`prune`]; says how many.
pub async fn forget_sent(connection: &mut Connection, user: UserId) -> Result<u64, sqlx::Error> {
    let forgotten =
        sqlx::query("UPDATE outbox SET payload = NULL, device_id = NULL WHERE lane = $1 AND state = 'sent'")
            .bind(user.to_string())
            .execute(connection)
            .await?;
    Ok(forgotten.rows_affected())
}

/// What became of a request to send a parked row after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is pending again, with a clean slate.
    Yes,
    /// There is no such row, or it is not parked.
    NotParked,
    /// It was parked because its person withdrew consent: it stays.
    Withheld,
}

/// Makes the parked row `insert_id` pending again. The receiver may take it for new if an earlier attempt is more than
/// 7 days ago (`dedup window passed`): that is the operator's decision.
pub async fn replay(
    connection: &mut Connection,
    insert_id: &str,
    now_ms: i64,
) -> Result<Replayed, sqlx::Error> {
    let parked: Option<(String, String)> =
        sqlx::query_as("SELECT lane, parked_reason FROM outbox WHERE insert_id = $1 AND state = 'parked'")
            .bind(insert_id.to_owned())
            .fetch_optional(&mut *connection)
            .await?;
    let Some((lane, reason)) = parked else {
        return Ok(Replayed::NotParked);
    };
    if reason == CONSENT_WITHDRAWN {
        return Ok(Replayed::Withheld);
    }
    enter_lane(connection, &lane, now_ms).await?;
    let replayed = sqlx::query(
        "UPDATE outbox SET state = 'pending', parked_ms = NULL, parked_reason = NULL, attempts = 0,
                next_attempt_ms = $1, first_unknown_ms = NULL
         WHERE insert_id = $2 AND state = 'parked' AND parked_reason <> $3",
    )
    .bind(now_ms)
    .bind(insert_id.to_owned())
    .bind(CONSENT_WITHDRAWN)
    .execute(connection)
    .await?;
    Ok(if replayed.rows_affected() == 1 {
        Replayed::Yes
    } else {
        Replayed::NotParked
    })
}

const DAY_MS: i64 = 24 * 60 * 60_000;
/// Rows in one statement, so that pruning a large table never holds SQLite's write lock for long.
const PRUNED_AT_ONCE: i64 = 1_000;

/// Takes the payload from rows that were sent more than `keep_days` before `now_ms`; says how many. The rows stay:
/// their insert IDs are taken for ever.
pub async fn prune(db: &Db, now_ms: i64, keep_days: u32) -> Result<u64, sqlx::Error> {
    let before_ms = now_ms.saturating_sub(i64::from(keep_days) * DAY_MS);
    let mut pruned = 0;
    loop {
        let mut tx = db.write().await?;
        let step = sqlx::query(
            "UPDATE outbox SET payload = NULL WHERE sequence IN (
                 SELECT sequence FROM outbox
                 WHERE state = 'sent' AND payload IS NOT NULL AND sent_ms < $1 ORDER BY sent_ms LIMIT $2)",
        )
        .bind(before_ms)
        .bind(PRUNED_AT_ONCE)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        pruned += step;
        if step < PRUNED_AT_ONCE.unsigned_abs() {
            return Ok(pruned);
        }
    }
}
