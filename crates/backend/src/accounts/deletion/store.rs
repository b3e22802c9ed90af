//! SQL of account deletions.

use sqlx::{AnyPool, Row};
use tracking::UserId;

use super::settlement::AfterFailure;

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
    /// Earlier attempts at this step that panicked.
    pub(super) panics: i64,
}

/// Account deletions that are not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletionCounts {
    /// To be continued.
    pub pending: i64,
    /// Parked.
    pub parked: i64,
    /// When the oldest pending one was requested, in ms since the epoch.
    pub oldest_pending_ms: Option<i64>,
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
         WHERE step <> 'done' AND parked_ms IS NULL AND next_attempt_at <= $1
           AND (lease_until IS NULL OR lease_until <= $1)
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
         WHERE user_id = $1 AND step <> 'done' AND parked_ms IS NULL AND next_attempt_at <= $4
           AND (lease_until IS NULL OR lease_until <= $4)
         RETURNING user_id, step, attempts, panics",
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
            panics: row.try_get("panics")?,
        })
    })
    .transpose()
}

/// Moves the deletion to its next step and releases the lease. Returns false if the deletion is no longer leased to
/// `owner`.
pub(super) async fn advance(
    connection: &mut db::Connection,
    claimed: ClaimedDeletion,
    owner: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let next = claimed.step.next();
    let done = sqlx::query(
        "UPDATE account_deletions SET step = $3, attempts = 0, panics = 0, next_attempt_at = $4, finished_at = $5,
                last_error = NULL, lease_owner = NULL, lease_until = NULL
         WHERE user_id = $1 AND lease_owner = $2",
    )
    .bind(claimed.user.to_string())
    .bind(owner)
    .bind(next.as_str())
    .bind(now_ms)
    .bind((next == DeletionStep::Done).then_some(now_ms))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records a failed attempt, and parks the deletion or schedules the next attempt.
pub(super) async fn record_failure(
    pool: &AnyPool,
    user: UserId,
    owner: &str,
    after: &AfterFailure,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let (next_attempt_ms, panics, error, parked) = match after {
        AfterFailure::Retry { at_ms, panics, error } => (Some(*at_ms), Some(*panics), Some(error), None),
        AfterFailure::Park(reason) => (None, None, None, Some(reason)),
    };
    sqlx::query(
        "UPDATE account_deletions SET next_attempt_at = COALESCE($3, next_attempt_at), panics = COALESCE($4, panics),
                last_error = $5, parked_reason = $6, parked_ms = $7, lease_owner = NULL, lease_until = NULL
         WHERE user_id = $1 AND lease_owner = $2",
    )
    .bind(user.to_string())
    .bind(owner)
    .bind(next_attempt_ms)
    .bind(panics)
    .bind(error.map(String::as_str))
    .bind(parked.map(String::as_str))
    .bind(parked.map(|_| now_ms))
    .execute(pool)
    .await?;
    Ok(())
}

/// Makes a parked deletion due again. Returns false if it is not parked.
pub(super) async fn unpark(pool: &AnyPool, user: UserId, now_ms: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE account_deletions SET parked_ms = NULL, parked_reason = NULL, attempts = 0, panics = 0,
                next_attempt_at = $2
         WHERE user_id = $1 AND parked_ms IS NOT NULL",
    )
    .bind(user.to_string())
    .bind(now_ms)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes all deletions due again that were parked for this reason. Returns their number.
pub(super) async fn unpark_all(pool: &AnyPool, reason: &str, now_ms: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE account_deletions SET parked_ms = NULL, parked_reason = NULL, attempts = 0, panics = 0,
                next_attempt_at = $2
         WHERE parked_ms IS NOT NULL AND parked_reason = $1",
    )
    .bind(reason)
    .bind(now_ms)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn counts(pool: &AnyPool) -> Result<DeletionCounts, sqlx::Error> {
    let (pending, oldest_pending_ms, parked): (i64, Option<i64>, i64) = sqlx::query_as(
        "SELECT COUNT(*), MIN(requested_at), (SELECT COUNT(*) FROM account_deletions WHERE parked_ms IS NOT NULL)
         FROM account_deletions WHERE step <> 'done' AND parked_ms IS NULL",
    )
    .fetch_one(pool)
    .await?;
    Ok(DeletionCounts {
        pending,
        parked,
        oldest_pending_ms,
    })
}

pub(super) async fn parked(pool: &AnyPool, most: i64) -> Result<Vec<ParkedDeletion>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT user_id, step, attempts, parked_reason, requested_at, parked_ms FROM account_deletions
         WHERE parked_ms IS NOT NULL ORDER BY parked_ms DESC, user_id LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let user: String = row.try_get("user_id")?;
            Ok(ParkedDeletion {
                user: UserId::parse(&user)
                    .ok_or_else(|| sqlx::Error::Decode("account_deletions.user_id cannot be read".into()))?,
                step: row.try_get("step")?,
                attempts: row.try_get("attempts")?,
                reason: row.try_get("parked_reason")?,
                requested_ms: row.try_get("requested_at")?,
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
