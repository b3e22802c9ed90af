//! SQL of changed addresses.

use sqlx::{AnyPool, Row};
use tracking::UserId;

/// A changed address that is leased to the caller.
pub(super) struct ClaimedEmail {
    customer: String,
    /// The account's current address; `None` if the account is being deleted.
    pub(super) email: Option<String>,
    /// Failed attempts before this one.
    pub(super) failures: i64,
    changes: i64,
    lease_until_ms: i64,
}

impl ClaimedEmail {
    /// The idempotency key of this attempt. An attempt that is repeated after a crash has the same key.
    pub(super) fn key(&self) -> String {
        format!("email:{}:{}:{}", self.customer, self.changes, self.failures)
    }
}

/// Marks the account's customer, if it has one, in the transaction that changes the address.
pub(crate) async fn enqueue(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_customers SET email_changes = email_changes + 1, email_due_ms = COALESCE(email_due_ms, $2)
         WHERE user_id = $1",
    )
    .bind(user.to_string())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the account's current address and locks the account's row, so that a concurrent change of address either is
/// seen here or sees the customer that the caller inserts.
pub(in crate::billing) async fn lock_email(
    connection: &mut db::Connection,
    user: UserId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("UPDATE users SET id = id WHERE id = $1 RETURNING email")
        .bind(user.to_string())
        .fetch_optional(connection)
        .await
}

/// Returns the customer that has been due longest.
pub(super) async fn due(pool: &AnyPool, now_ms: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM stripe_customers WHERE email_due_ms <= $1 ORDER BY email_due_ms, id LIMIT 1",
    )
    .bind(now_ms)
    .fetch_optional(pool)
    .await
}

/// Leases the customer. Returns `None` if another updater leased it first.
pub(super) async fn claim(
    pool: &AnyPool,
    customer: &str,
    now_ms: i64,
    lease_until_ms: i64,
) -> Result<Option<ClaimedEmail>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE stripe_customers SET email_due_ms = $3 WHERE id = $1 AND email_due_ms <= $2
         RETURNING id, email_changes, email_failures,
                   (SELECT email FROM users WHERE users.id = stripe_customers.user_id AND deleted_at IS NULL) AS email",
    )
    .bind(customer)
    .bind(now_ms)
    .bind(lease_until_ms)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(ClaimedEmail {
            customer: row.try_get("id")?,
            email: row.try_get("email")?,
            failures: row.try_get("email_failures")?,
            changes: row.try_get("email_changes")?,
            lease_until_ms,
        })
    })
    .transpose()
}

/// Clears the mark. A change that happened during the attempt stays due.
pub(super) async fn finish(pool: &AnyPool, claimed: &ClaimedEmail, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_customers SET email_failures = 0,
                email_due_ms = CASE WHEN email_changes = $3 THEN NULL ELSE $4 END
         WHERE id = $1 AND email_due_ms = $2",
    )
    .bind(&claimed.customer)
    .bind(claimed.lease_until_ms)
    .bind(claimed.changes)
    .bind(now_ms)
    .execute(pool)
    .await?;
    Ok(())
}

/// Records a failed attempt. The next one is due at `at_ms` (ms since the epoch).
pub(super) async fn record_failure(
    pool: &AnyPool,
    claimed: &ClaimedEmail,
    at_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_customers SET email_failures = email_failures + 1, email_due_ms = $3
         WHERE id = $1 AND email_due_ms = $2",
    )
    .bind(&claimed.customer)
    .bind(claimed.lease_until_ms)
    .bind(at_ms)
    .execute(pool)
    .await?;
    Ok(())
}
