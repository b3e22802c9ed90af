//! SQL of account deletions.

use db::Db;
use queue::{NewRow, Queue};
use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::UserId;

/// The queue of account deletions. The lane is the deleted account. A row has the next step.
pub(super) const DELETIONS: Queue = Queue {
    table: "account_deletions",
    columns: "queued.step",
    on_done: "step = 'done', finished_ms = $1",
    on_parked: "",
};

/// The next step of an account deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeletionStep {
    /// Delete the customer at Stripe.
    Billing,
    /// Delete the user from our tables.
    Erase,
    /// Request the deletion at Amplitude.
    Amplitude,
    /// All steps are done.
    Done,
}

impl DeletionStep {
    const ALL: [Self; 4] = [Self::Billing, Self::Erase, Self::Amplitude, Self::Done];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Billing => "billing",
            Self::Erase => "erase",
            Self::Amplitude => "amplitude",
            Self::Done => "done",
        }
    }

    /// The step after this one.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Billing => Self::Erase,
            Self::Erase => Self::Amplitude,
            Self::Amplitude | Self::Done => Self::Done,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }
}

/// A deletion that needs an operator or a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedDeletion {
    /// The deleted account.
    pub user: UserId,
    /// The step that failed: `billing`, `erase` or `amplitude`.
    pub step: String,
    /// Attempts at this step.
    pub attempts: i64,
    /// Why it was parked.
    pub reason: String,
    /// When the user requested it, in ms since the epoch.
    pub requested_ms: i64,
    /// When it was parked, in ms since the epoch.
    pub parked_ms: i64,
}

pub(super) async fn mark_deleted(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE users SET deleted_at = $2 WHERE id = $1")
        .bind(user.to_string())
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn insert_deletion(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let row = NewRow::new(user.to_string(), now_ms).with("step", "billing");
    DELETIONS.insert(connection, row).await?;
    Ok(())
}

pub(super) async fn is_deleted(pool: &db::Pool, user: UserId) -> Result<bool, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar("SELECT lane FROM account_deletions WHERE lane = $1")
        .bind(user.to_string())
        .fetch_optional(pool)
        .await?;
    Ok(found.is_some())
}

/// Reads the next step of a claimed deletion.
pub(super) fn read_step(row: &AnyRow) -> Result<DeletionStep, sqlx::Error> {
    let step: String = row.try_get("step")?;
    DeletionStep::parse(&step)
        .ok_or_else(|| sqlx::Error::Decode("account_deletions.step cannot be read".into()))
}

/// Writes the next step of a deletion.
pub(super) async fn set_step(
    connection: &mut db::Connection,
    sequence: i64,
    step: DeletionStep,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE account_deletions SET step = $1, last_error = NULL WHERE sequence = $2")
        .bind(step.as_str())
        .bind(sequence)
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes parked deletions due again: of one user, or all that were parked for one reason. Returns their number.
pub(super) async fn replay(
    db: &Db,
    user: Option<UserId>,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    let parked: Vec<(String, i64, String)> = sqlx::query_as(
        "SELECT lane, sequence, parked_reason FROM account_deletions
         WHERE state = 'parked' AND COALESCE($1, lane) = lane AND COALESCE($2, parked_reason) = parked_reason
         ORDER BY lane",
    )
    .bind(user.map(|user| user.to_string()))
    .bind(reason)
    .fetch_all(db.pool())
    .await?;
    if parked.is_empty() {
        return Ok(0);
    }
    let mut replayed = 0;
    let mut tx = db.write().await?;
    for (lane, sequence, reason) in parked {
        replayed += u64::from(
            DELETIONS
                .replay(&mut tx, &lane, sequence, &reason, now_ms)
                .await?,
        );
    }
    tx.commit().await?;
    Ok(replayed)
}

pub(super) async fn parked(pool: &db::Pool, most: i64) -> Result<Vec<ParkedDeletion>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT lane, step, attempts, parked_reason, enqueued_ms, parked_ms FROM account_deletions
         WHERE state = 'parked' ORDER BY parked_ms DESC, lane LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let user: String = row.try_get("lane")?;
            Ok(ParkedDeletion {
                user: UserId::parse(&user)
                    .ok_or_else(|| sqlx::Error::Decode("account_deletions.lane cannot be read".into()))?,
                step: row.try_get("step")?,
                attempts: row.try_get("attempts")?,
                reason: row.try_get("parked_reason")?,
                requested_ms: row.try_get("enqueued_ms")?,
                parked_ms: row.try_get("parked_ms")?,
            })
        })
        .collect()
}

/// Deletes the account. Foreign keys delete all rows that refer to it.
pub(super) async fn erase(connection: &mut db::Connection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM users WHERE id = $1 AND deleted_at IS NOT NULL")
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
