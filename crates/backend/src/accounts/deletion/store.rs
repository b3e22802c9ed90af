//! SQL of account deletions.

use sqlx::{AnyPool, Row};
use tracking::UserId;

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

/// A deletion that is leased to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClaimedDeletion {
    pub(super) user: UserId,
    pub(super) step: DeletionStep,
    /// Attempts at this step, including the coming one.
    pub(super) attempts: i64,
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
    sqlx::query(
        "INSERT INTO account_deletions (user_id, requested_at, step, next_attempt_at) VALUES ($1, $2, 'billing', $2)",
    )
    .bind(user.to_string())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn is_deleted(pool: &AnyPool, user: UserId) -> Result<bool, sqlx::Error> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT user_id FROM account_deletions WHERE user_id = $1")
            .bind(user.to_string())
            .fetch_optional(pool)
            .await?;
    Ok(found.is_some())
}

/// Returns the user ID of the deletion that has been due longest.
pub(super) async fn due(pool: &AnyPool, now_ms: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT user_id FROM account_deletions
         WHERE step <> 'done' AND next_attempt_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
         ORDER BY next_attempt_at, user_id LIMIT 1",
    )
    .bind(now_ms)
    .fetch_optional(pool)
    .await
}

/// Leases the deletion. Returns `None` if another deleter leased it first.
pub(super) async fn lease(
    pool: &AnyPool,
    user: &str,
    owner: &str,
    now_ms: i64,
    until_ms: i64,
) -> Result<Option<ClaimedDeletion>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE account_deletions SET lease_owner = $2, lease_until = $3, attempts = attempts + 1
         WHERE user_id = $1 AND step <> 'done' AND next_attempt_at <= $4
           AND (lease_until IS NULL OR lease_until <= $4)
         RETURNING user_id, step, attempts",
    )
    .bind(user)
    .bind(owner)
    .bind(until_ms)
    .bind(now_ms)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        let (user, step): (String, String) = (row.try_get("user_id")?, row.try_get("step")?);
        let unreadable =
            |what: &str| sqlx::Error::Decode(format!("account_deletions.{what} cannot be read").into());
        Ok(ClaimedDeletion {
            user: UserId::parse(&user).ok_or_else(|| unreadable("user_id"))?,
            step: DeletionStep::parse(&step).ok_or_else(|| unreadable("step"))?,
            attempts: row.try_get("attempts")?,
        })
    })
    .transpose()
}

/// Moves the deletion to its next step and releases the lease. `note` describes the finished step for operators.
/// Returns false if the deletion is no longer leased to `owner`.
pub(super) async fn advance(
    connection: &mut db::Connection,
    claimed: ClaimedDeletion,
    owner: &str,
    note: Option<&str>,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let next = claimed.step.next();
    let done = sqlx::query(
        "UPDATE account_deletions SET step = $3, attempts = 0, next_attempt_at = $4, finished_at = $5, last_error = $6,
                lease_owner = NULL, lease_until = NULL
         WHERE user_id = $1 AND lease_owner = $2",
    )
    .bind(claimed.user.to_string())
    .bind(owner)
    .bind(next.as_str())
    .bind(now_ms)
    .bind((next == DeletionStep::Done).then_some(now_ms))
    .bind(note)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records a failed attempt. The step is retried at `at_ms` (ms since the epoch).
pub(super) async fn record_failure(
    pool: &AnyPool,
    user: UserId,
    owner: &str,
    at_ms: i64,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE account_deletions SET next_attempt_at = $3, last_error = $4, lease_owner = NULL, lease_until = NULL
         WHERE user_id = $1 AND lease_owner = $2",
    )
    .bind(user.to_string())
    .bind(owner)
    .bind(at_ms)
    .bind(error)
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes the account. Foreign keys delete all rows that refer to it.
pub(super) async fn erase(connection: &mut db::Connection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM users WHERE id = $1 AND deleted_at IS NOT NULL")
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
