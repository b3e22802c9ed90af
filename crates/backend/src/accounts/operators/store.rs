//! SQL of operators.

use sqlx::Row;
use tracking::UserId;

use super::Operator;

/// Makes the account an operator, or leaves it one. Returns false if no account has the address, or it is not confirmed.
pub(super) async fn add(
    connection: &mut db::Connection,
    keys: &[String; 3],
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE users SET operator_since_ms = COALESCE(operator_since_ms, $2)
         WHERE email_key IN ($1, $3, $4) AND email_verified_at IS NOT NULL AND deleted_at IS NULL",
    )
    .bind(&keys[0])
    .bind(now_ms)
    .bind(&keys[1])
    .bind(&keys[2])
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns false if no operator has the address.
pub(super) async fn remove(connection: &mut db::Connection, keys: &[String; 3]) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE users SET operator_since_ms = NULL
         WHERE email_key IN ($1, $2, $3) AND operator_since_ms IS NOT NULL AND deleted_at IS NULL",
    )
    .bind(&keys[0])
    .bind(&keys[1])
    .bind(&keys[2])
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends the right of an account, in the transaction of the change that ends it.
pub(in crate::accounts) async fn end(
    connection: &mut db::Connection,
    user: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE users SET operator_since_ms = NULL WHERE id = $1")
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn exists(connection: &mut db::Connection, keys: &[String; 3]) -> Result<bool, sqlx::Error> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT id FROM users WHERE email_key IN ($1, $2, $3) AND deleted_at IS NULL")
            .bind(&keys[0])
            .bind(&keys[1])
            .bind(&keys[2])
            .fetch_optional(connection)
            .await?;
    Ok(found.is_some())
}

pub(super) async fn all(pool: &db::Pool) -> Result<Vec<Operator>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT email, operator_since_ms FROM users
         WHERE operator_since_ms IS NOT NULL AND deleted_at IS NULL ORDER BY email_key",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Operator {
                email: row.try_get("email")?,
                since_ms: row.try_get("operator_since_ms")?,
            })
        })
        .collect()
}
