//! SQL of Stripe customers and their accounts.

use db::Statement;
use sqlx::{Any, Executor, Row};
use tracking::{AccountType, UserId};

use super::user_id;
use crate::billing::customer_email;

/// The current customer of an existing account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::billing) struct StripeCustomer {
    pub(in crate::billing) id: String,
    pub(in crate::billing) has_card: bool,
}

/// The owner of a customer that a webhook names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::billing) enum CustomerOwner {
    /// This account.
    Account(UserId),
    /// A deleted account, or one whose deletion has begun.
    Deleted,
}

/// The account's customer that Stripe has not deleted.
pub(in crate::billing) async fn customer_of(
    pool: &db::Pool,
    user: UserId,
) -> Result<Option<StripeCustomer>, sqlx::Error> {
    let row =
        sqlx::query("SELECT id, has_card FROM stripe_customers WHERE user_id = $1 AND deleted_ms IS NULL")
            .bind(user.to_string())
            .fetch_optional(pool)
            .await?;
    row.map(|row| {
        Ok(StripeCustomer {
            id: row.try_get("id")?,
            has_card: row.try_get::<i64, _>("has_card")? == 1,
        })
    })
    .transpose()
}

/// The IDs of all customers that the account has had, including those that Stripe has deleted.
pub(in crate::billing) async fn customer_ids(
    pool: &db::Pool,
    user: UserId,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM stripe_customers WHERE user_id = $1")
        .bind(user.to_string())
        .fetch_all(pool)
        .await
}

/// How many webhooks of the customers of accounts have been applied.
pub(in crate::billing) const REVISIONS: &str = "SELECT user_id, CAST(SUM(revision) AS BIGINT) FROM stripe_customers WHERE user_id IN ({keys}) GROUP BY user_id";

/// How many webhooks of the account's customers have been applied.
pub(in crate::billing) async fn revision(pool: &db::Pool, user: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(revision), 0) AS BIGINT) FROM stripe_customers WHERE user_id = $1",
    )
    .bind(user.to_string())
    .fetch_one(pool)
    .await
}

/// The owner of a customer. `None` if the customer is unknown.
pub(in crate::billing) async fn customer(
    executor: impl Executor<'_, Database = Any>,
    id: &str,
) -> Result<Option<CustomerOwner>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT users.id AS user_id
         FROM stripe_customers
         LEFT JOIN users ON users.id = stripe_customers.user_id AND users.deleted_at IS NULL
         WHERE stripe_customers.id = $1",
    )
    .bind(id)
    .fetch_optional(executor)
    .await?;
    row.map(|row| {
        let user: Option<String> = row.try_get("user_id")?;
        Ok(match user {
            Some(user) => CustomerOwner::Account(user_id(&user)?),
            None => CustomerOwner::Deleted,
        })
    })
    .transpose()
}

/// Inserts the account's customer. Does nothing if the account already has one that Stripe has not deleted.
pub(in crate::billing) async fn insert_customer(
    connection: &mut db::Connection,
    id: &str,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO stripe_customers (id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(user.to_string())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts applied webhooks of the customer. `has_card`: `None` keeps the recorded value.
pub(in crate::billing) fn touch_customer(id: &str, has_card: Option<bool>) -> Statement {
    Statement::new(
        "UPDATE stripe_customers SET has_card = COALESCE($2, has_card), revision = revision + 1 WHERE id = $1",
    )
    .bind(id)
    .bind(has_card.map(i64::from))
}

/// Records that Stripe has deleted the customer. Its payments stay those of the account.
pub(in crate::billing) async fn mark_customer_deleted(
    connection: &mut db::Connection,
    id: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_customers SET deleted_ms = COALESCE(deleted_ms, $2), has_card = 0, revision = revision + 1
         WHERE id = $1",
    )
    .bind(id)
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    customer_email::delete(connection, id).await
}

/// Locks the account's row until the transaction ends, so that webhooks of two customers of one account do not decide its
/// plan at the same time. Returns the owner of its customers: a deletion may have begun.
pub(in crate::billing) async fn lock_account(
    connection: &mut db::Connection,
    user: UserId,
) -> Result<CustomerOwner, sqlx::Error> {
    let locked = sqlx::query("UPDATE users SET id = id WHERE id = $1 AND deleted_at IS NULL")
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(match locked.rows_affected() {
        0 => CustomerOwner::Deleted,
        _ => CustomerOwner::Account(user),
    })
}

pub(in crate::billing) fn set_account_type(user: UserId, account_type: AccountType) -> Statement {
    Statement::new("UPDATE users SET account_type = $2 WHERE id = $1")
        .bind(user.to_string())
        .bind(account_type.as_str())
}

/// Deletes the account's billing data. The customers' rows stay without their account, so that late webhooks are
/// recognized as those of a deleted account.
pub(in crate::billing) async fn erase(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM stripe_customers WHERE user_id = $1")
        .bind(user.to_string())
        .fetch_all(&mut *connection)
        .await?;
    for id in ids {
        erase_customer(connection, &id, now_ms).await?;
    }
    Ok(())
}

async fn erase_customer(connection: &mut db::Connection, id: &str, now_ms: i64) -> Result<(), sqlx::Error> {
    for sql in [
        "DELETE FROM subscriptions WHERE customer_id = $1",
        "DELETE FROM paid_invoices WHERE customer_id = $1",
        "DELETE FROM invoice_payments WHERE customer_id = $1",
        "DELETE FROM refunds WHERE customer_id = $1",
        "DELETE FROM disputes WHERE customer_id = $1",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *connection).await?;
    }
    customer_email::delete(connection, id).await?;
    sqlx::query("UPDATE stripe_customers SET user_id = NULL, has_card = 0, erased_ms = $2 WHERE id = $1")
        .bind(id)
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE stripe_inbox SET payload = NULL, state = 'applied', parked_ms = NULL, parked_reason = NULL,
                last_error = NULL, applied_ms = COALESCE(applied_ms, parked_ms, $2), events = COALESCE(events, 0)
         WHERE lane = $1",
    )
    .bind(id)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}
