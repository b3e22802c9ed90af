//! SQL of changed addresses.

use db::Db;
use sqlx::{AnyPool, Row};
use tracking::UserId;

/// A changed address that is leased to the caller.
pub(super) struct ClaimedEmail {
    pub(super) customer: String,
    /// The account's current address; `None` if the account is being deleted.
    pub(super) email: Option<String>,
    /// Failed attempts before this one.
    pub(super) failures: i64,
    /// Those of them that panicked.
    pub(super) panics: i64,
    changes: i64,
    lease_until_ms: i64,
}

impl ClaimedEmail {
    /// The idempotency key of this attempt. An attempt that is repeated after a crash has the same key.
    pub(super) fn key(&self) -> String {
        format!("email:{}:{}:{}", self.customer, self.changes, self.failures)
    }
}

/// An address that is not sent until an operator replays it, or the account changes it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedCustomerEmail {
    /// Stripe's customer.
    pub customer: String,
    /// Its account.
    pub account: UserId,
    /// Why it was parked.
    pub reason: String,
    /// Failed attempts.
    pub failures: i64,
    /// When it was parked, in ms since the epoch.
    pub parked_ms: i64,
}

/// Marks the account's customer, if it has one, in the transaction that changes the address. A parked one is due again, and
/// has all its attempts.
pub(crate) async fn enqueue(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_customers SET email_changes = email_changes + 1, email_due_ms = COALESCE(email_due_ms, $2),
                email_failures = 0, email_panics = 0, email_parked_ms = NULL, email_parked_reason = NULL
         WHERE user_id = $1 AND deleted_ms IS NULL",
    )
    .bind(user.to_string())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the account's current address and locks the account's row, so that a concurrent change of address or deletion
/// either is seen here or sees the customer that the caller inserts. Returns `None` if the account is deleted.
pub(in crate::billing) async fn lock_email(
    connection: &mut db::Connection,
    user: UserId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("UPDATE users SET id = id WHERE id = $1 AND deleted_at IS NULL RETURNING email")
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
    db: &Db,
    customer: &str,
    now_ms: i64,
    lease_until_ms: i64,
) -> Result<Option<ClaimedEmail>, sqlx::Error> {
    let mut tx = db.write().await?;
    let row = sqlx::query(
        "UPDATE stripe_customers SET email_due_ms = $3 WHERE id = $1 AND email_due_ms <= $2
         RETURNING id, email_changes, email_failures, email_panics,
                   (SELECT email FROM users WHERE users.id = stripe_customers.user_id AND deleted_at IS NULL) AS email",
    )
    .bind(customer)
    .bind(now_ms)
    .bind(lease_until_ms)
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    row.map(|row| {
        Ok(ClaimedEmail {
            customer: row.try_get("id")?,
            email: row.try_get("email")?,
            failures: row.try_get("email_failures")?,
            panics: row.try_get("email_panics")?,
            changes: row.try_get("email_changes")?,
            lease_until_ms,
        })
    })
    .transpose()
}

/// Clears the mark. A change that happened during the attempt stays due.
pub(super) async fn finish(db: &Db, claimed: &ClaimedEmail, now_ms: i64) -> Result<(), sqlx::Error> {
    db.execute(
        sqlx::query(
            "UPDATE stripe_customers SET email_failures = 0, email_panics = 0,
                email_due_ms = CASE WHEN email_changes = $3 THEN NULL ELSE $4 END
         WHERE id = $1 AND email_due_ms = $2",
        )
        .bind(&claimed.customer)
        .bind(claimed.lease_until_ms)
        .bind(claimed.changes)
        .bind(now_ms),
    )
    .await?;
    Ok(())
}

/// Records a failed attempt. The next one is due at `at_ms` (ms since the epoch). `panics`: attempts that panicked so far.
pub(super) async fn record_failure(
    db: &Db,
    claimed: &ClaimedEmail,
    panics: i64,
    at_ms: i64,
) -> Result<(), sqlx::Error> {
    db.execute(
        sqlx::query(
            "UPDATE stripe_customers SET email_failures = email_failures + 1, email_panics = $3, email_due_ms = $4
             WHERE id = $1 AND email_due_ms = $2",
        )
        .bind(&claimed.customer)
        .bind(claimed.lease_until_ms)
        .bind(panics)
        .bind(at_ms),
    )
    .await?;
    Ok(())
}

/// Parks the address. One that changed during the attempt stays due.
pub(super) async fn park(
    db: &Db,
    claimed: &ClaimedEmail,
    reason: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    db.execute(
        sqlx::query(
            "UPDATE stripe_customers SET email_failures = email_failures + 1,
                    email_due_ms = CASE WHEN email_changes = $3 THEN NULL ELSE $4 END,
                    email_parked_ms = CASE WHEN email_changes = $3 THEN $4 END,
                    email_parked_reason = CASE WHEN email_changes = $3 THEN $5 END
             WHERE id = $1 AND email_due_ms = $2",
        )
        .bind(&claimed.customer)
        .bind(claimed.lease_until_ms)
        .bind(claimed.changes)
        .bind(now_ms)
        .bind(reason),
    )
    .await?;
    Ok(())
}

/// The parked addresses of existing accounts, newest first.
pub(super) async fn parked(pool: &AnyPool, most: i64) -> Result<Vec<ParkedCustomerEmail>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, user_id, email_parked_reason, email_failures, email_parked_ms FROM stripe_customers
         WHERE email_parked_ms IS NOT NULL AND user_id IS NOT NULL ORDER BY email_parked_ms DESC, id LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let account: String = row.try_get("user_id")?;
            Ok(ParkedCustomerEmail {
                customer: row.try_get("id")?,
                account: UserId::parse(&account)
                    .ok_or_else(|| sqlx::Error::Decode("a user ID that is not a UUID".into()))?,
                reason: row.try_get("email_parked_reason")?,
                failures: row.try_get("email_failures")?,
                parked_ms: row.try_get("email_parked_ms")?,
            })
        })
        .collect()
}

/// Makes a parked address due again. `false` if it is not parked. It counts as a change, because Stripe would repeat its
/// answer to an idempotency key that it knows.
pub(super) async fn replay(db: &Db, customer: &str, now_ms: i64) -> Result<bool, sqlx::Error> {
    let replayed = db
        .execute(
            sqlx::query(
                "UPDATE stripe_customers SET email_changes = email_changes + 1, email_due_ms = $2, email_failures = 0,
                        email_panics = 0, email_parked_ms = NULL, email_parked_reason = NULL
                 WHERE id = $1 AND email_parked_ms IS NOT NULL",
            )
            .bind(customer)
            .bind(now_ms),
        )
        .await?;
    Ok(replayed.rows_affected() == 1)
}
