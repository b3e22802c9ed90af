//! SQL of Stripe customers and their accounts.

use sqlx::{AnyPool, Row};
use tracking::{AccountType, UserId};

use super::user_id;

/// The customer of an existing account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::billing) struct StripeCustomer {
    pub(in crate::billing) id: String,
    pub(in crate::billing) has_card: bool,
    pub(in crate::billing) revision: i64,
}

/// The owner of a customer that a webhook names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::billing) enum CustomerOwner {
    /// This account.
    Account(UserId),
    /// A deleted account, or one whose deletion has begun.
    Deleted,
}

pub(in crate::billing) async fn customer_of(
    pool: &AnyPool,
    user: UserId,
) -> Result<Option<StripeCustomer>, sqlx::Error> {
    let row = sqlx::query("SELECT id, has_card, revision FROM stripe_customers WHERE user_id = $1")
        .bind(user.to_string())
        .fetch_optional(pool)
        .await?;
    row.map(|row| {
        Ok(StripeCustomer {
            id: row.try_get("id")?,
            has_card: row.try_get::<i64, _>("has_card")? == 1,
            revision: row.try_get("revision")?,
        })
    })
    .transpose()
}

/// The owner of a customer. `None` if the customer is unknown.
pub(in crate::billing) async fn customer(
    pool: &AnyPool,
    id: &str,
) -> Result<Option<CustomerOwner>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT users.id AS user_id
         FROM stripe_customers
         LEFT JOIN users ON users.id = stripe_customers.user_id AND users.deleted_at IS NULL
         WHERE stripe_customers.id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
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

/// Inserts the account's customer. Does nothing if the account already has one.
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

/// Counts an applied webhook of the customer.
pub(in crate::billing) async fn touch_customer(
    connection: &mut db::Connection,
    id: &str,
    has_card: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE stripe_customers SET has_card = $2, revision = revision + 1 WHERE id = $1")
        .bind(id)
        .bind(i64::from(has_card))
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::billing) async fn set_account_type(
    connection: &mut db::Connection,
    user: UserId,
    account_type: AccountType,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE users SET account_type = $2 WHERE id = $1")
        .bind(user.to_string())
        .bind(account_type.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes the account's billing data. The customer's row stays without its account, so that late webhooks are
/// recognized as those of a deleted account.
pub(in crate::billing) async fn erase(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let id: Option<String> = sqlx::query_scalar("SELECT id FROM stripe_customers WHERE user_id = $1")
        .bind(user.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(id) = id else { return Ok(()) };
    for sql in [
        "DELETE FROM subscriptions WHERE customer_id = $1",
        "DELETE FROM paid_invoices WHERE customer_id = $1",
        "DELETE FROM refunds WHERE customer_id = $1",
        "DELETE FROM disputes WHERE customer_id = $1",
    ] {
        sqlx::query(sql).bind(&id).execute(&mut *connection).await?;
    }
    sqlx::query(
        "UPDATE stripe_customers SET user_id = NULL, has_card = 0, email_due_ms = NULL, erased_ms = $2 WHERE id = $1",
    )
    .bind(&id)
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE stripe_inbox SET payload = NULL, state = 'applied', parked_reason = NULL, last_error = NULL,
                settled_ms = COALESCE(settled_ms, $2), events = COALESCE(events, 0)
         WHERE lane = $1",
    )
    .bind(&id)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}
