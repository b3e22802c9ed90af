//! SQL of changed addresses.

use db::Db;
use queue::{NewRow, Queue};
use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::UserId;

/// The queue of changed addresses. The lane is Stripe's customer, which has at most one row.
pub(super) const CUSTOMER_EMAILS: Queue = Queue {
    table: "customer_emails",
    columns: "(SELECT users.email FROM stripe_customers JOIN users ON users.id = stripe_customers.user_id
               WHERE stripe_customers.id = queued.lane AND stripe_customers.deleted_ms IS NULL
                 AND users.deleted_at IS NULL) AS email",
    on_done: "sent_ms = $1",
    on_parked: "",
};

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

/// Enqueues the address of the account's customer, if it has one, in the transaction that changes the address. The row of
/// an earlier change is deleted: the address has all its attempts, and an attempt that runs now does not settle this row.
pub(crate) async fn enqueue(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let customer: Option<String> =
        sqlx::query_scalar("SELECT id FROM stripe_customers WHERE user_id = $1 AND deleted_ms IS NULL")
            .bind(user.to_string())
            .fetch_optional(&mut *connection)
            .await?;
    let Some(customer) = customer else {
        return Ok(());
    };
    CUSTOMER_EMAILS.lock_lane(connection, &customer, now_ms).await?;
    delete(connection, &customer).await?;
    // The lane may wait for the next attempt at the deleted row. A new lane is due now.
    CUSTOMER_EMAILS
        .remove_lane_if_empty(connection, &customer)
        .await?;
    CUSTOMER_EMAILS
        .insert(connection, NewRow::new(customer, now_ms))
        .await?;
    Ok(())
}

/// Deletes the changed address of a customer.
pub(in crate::billing) async fn delete(
    connection: &mut db::Connection,
    customer: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM customer_emails WHERE lane = $1")
        .bind(customer)
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

pub(super) fn read_email(row: &AnyRow) -> Result<Option<String>, sqlx::Error> {
    row.try_get("email")
}

/// The parked addresses of existing accounts, newest first.
pub(super) async fn parked(pool: &db::Pool, most: i64) -> Result<Vec<ParkedCustomerEmail>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT lane, user_id, parked_reason, attempts, parked_ms
         FROM customer_emails JOIN stripe_customers ON stripe_customers.id = lane
         WHERE state = 'parked' AND user_id IS NOT NULL ORDER BY parked_ms DESC, lane LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let account: String = row.try_get("user_id")?;
            Ok(ParkedCustomerEmail {
                customer: row.try_get("lane")?,
                account: UserId::parse(&account)
                    .ok_or_else(|| sqlx::Error::Decode("a user ID that is not a UUID".into()))?,
                reason: row.try_get("parked_reason")?,
                failures: row.try_get("attempts")?,
                parked_ms: row.try_get("parked_ms")?,
            })
        })
        .collect()
}

/// Makes a parked address due again. `false` if it is not parked.
pub(super) async fn replay(db: &Db, customer: &str, now_ms: i64) -> Result<bool, sqlx::Error> {
    let parked: Option<(i64, String)> = sqlx::query_as(
        "SELECT sequence, parked_reason FROM customer_emails WHERE lane = $1 AND state = 'parked'",
    )
    .bind(customer)
    .fetch_optional(db.pool())
    .await?;
    let Some((sequence, reason)) = parked else {
        return Ok(false);
    };
    let mut tx = db.write().await?;
    let replayed = CUSTOMER_EMAILS
        .replay(&mut tx, customer, sequence, &reason, now_ms)
        .await?;
    tx.commit().await?;
    Ok(replayed)
}
