//! Settles claimed rows: writes the outcome of a delivery.

use db::{Connection, Db};
use sqlx::AssertSqlSafe;

use super::{bind_all, placeholders};
use crate::retry::NextState;

/// A claimed row and its new state.
#[derive(Clone, Debug)]
pub(crate) struct Settlement {
    pub(crate) sequence: i64,
    pub(crate) next: NextState,
}

/// Settles the rows that are still leased to `owner`, in one transaction. Returns how many rows were not: their lease
/// ended and another dispatcher claimed them, or they were parked or deleted meanwhile.
pub(crate) async fn settle(
    db: &Db,
    owner: &str,
    settlements: &[Settlement],
    now_ms: i64,
) -> Result<usize, sqlx::Error> {
    let mut tx = db.write().await?;
    let sent = settlements
        .iter()
        .filter(|row| row.next == NextState::Sent)
        .map(|row| row.sequence)
        .collect::<Vec<_>>();
    let mut settled = mark_sent(&mut tx, owner, &sent, now_ms).await?;
    for Settlement { sequence, next } in settlements {
        settled += match next {
            NextState::Sent => 0,
            NextState::Park(reason) => park(&mut tx, owner, *sequence, &reason.to_string(), now_ms).await?,
            NextState::Retry {
                at_ms,
                attempts,
                panics,
                first_unknown_ms,
                error,
            } => sqlx::query(
                "UPDATE outbox SET state = 'pending', lease_owner = NULL, lease_until_ms = NULL,
                            next_attempt_ms = $1, attempts = $2, first_unknown_ms = $3,
                            last_error = COALESCE($4, last_error), panics = $5
                     WHERE sequence = $6 AND state = 'leased' AND lease_owner = $7",
            )
            .bind(*at_ms)
            .bind(*attempts)
            .bind(*first_unknown_ms)
            .bind(error.clone())
            .bind(*panics)
            .bind(*sequence)
            .bind(owner.to_owned())
            .execute(&mut *tx)
            .await?
            .rows_affected(),
        };
    }
    tx.commit().await?;
    Ok(settlements
        .len()
        .saturating_sub(usize::try_from(settled).unwrap_or(usize::MAX)))
}

async fn mark_sent(
    connection: &mut Connection,
    owner: &str,
    sequences: &[i64],
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    if sequences.is_empty() {
        return Ok(0);
    }
    let sql = format!(
        "UPDATE outbox SET state = 'sent', sent_ms = $1, lease_owner = NULL, lease_until_ms = NULL,
                first_unknown_ms = NULL, last_error = NULL
         WHERE state = 'leased' AND lease_owner = $2 AND sequence IN ({})",
        placeholders(3, sequences.len())
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .bind(now_ms)
        .bind(owner.to_owned());
    Ok(bind_all(query, sequences.iter().copied())
        .execute(connection)
        .await?
        .rows_affected())
}

async fn park(
    connection: &mut Connection,
    owner: &str,
    sequence: i64,
    reason: &str,
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    let parked = sqlx::query(
        "UPDATE outbox SET state = 'parked', parked_ms = $1, parked_reason = $2, lease_owner = NULL,
                lease_until_ms = NULL
         WHERE sequence = $3 AND state = 'leased' AND lease_owner = $4",
    )
    .bind(now_ms)
    .bind(reason.to_owned())
    .bind(sequence)
    .bind(owner.to_owned())
    .execute(connection)
    .await?;
    Ok(parked.rows_affected())
}
