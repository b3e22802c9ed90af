//! SQL of links.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};
use tracking::UserId;
use uuid::Uuid;

use super::{Link, Purpose, User};
use crate::accounts::store::user;

pub(super) async fn insert(
    connection: &mut db::Connection,
    link: &Link,
    secret_hash: &str,
    now_ms: i64,
    expires_at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO mail_tokens (id, secret_hash, user_id, purpose, email, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(link.id.to_string())
    .bind(secret_hash)
    .bind(link.user.to_string())
    .bind(link.purpose.as_str())
    .bind(&link.email)
    .bind(now_ms)
    .bind(expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// A link that could be used now.
pub(super) async fn find(
    pool: &AnyPool,
    secret_hash: &str,
    now_ms: i64,
) -> Result<Option<Link>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id, user_id, purpose, email FROM mail_tokens
         WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2",
    )
    .bind(secret_hash)
    .bind(now_ms)
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(link).transpose()
}

/// Uses it up. Of several who try at once, one gets it: the others' statement finds it used.
pub(super) async fn consume(
    connection: &mut db::Connection,
    secret_hash: &str,
    page: &str,
    now_ms: i64,
) -> Result<Option<Link>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE mail_tokens SET used_at = $2
         WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2
           AND (purpose = 'reset_password') = ($3 = 'reset')
         RETURNING id, user_id, purpose, email",
    )
    .bind(secret_hash)
    .bind(now_ms)
    .bind(page)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(link).transpose()
}

/// The account, unless it is about to go. Nobody can change it until the transaction is over.
pub(super) async fn account(
    connection: &mut db::Connection,
    id: UserId,
) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE users SET id = id WHERE id = $1 AND deleted_at IS NULL
         RETURNING id AS user_id, email, email_verified_at, consent",
    )
    .bind(id.to_string())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(user).transpose()
}

/// `false`: it was proven before.
pub(super) async fn prove_email(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query("UPDATE users SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL")
            .bind(user.to_string())
            .bind(now_ms)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Fails on the unique key where the address has another account.
pub(super) async fn change_email(
    connection: &mut db::Connection,
    user: UserId,
    email: &str,
    email_key: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE users SET email = $2, email_key = $3, email_verified_at = $4 WHERE id = $1")
        .bind(user.to_string())
        .bind(email)
        .bind(email_key)
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn void(
    connection: &mut db::Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE mail_tokens SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL")
        .bind(user.to_string())
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete_expired(pool: &AnyPool, before_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM mail_tokens WHERE expires_at < $1")
        .bind(before_ms)
        .execute(pool)
        .await?;
    Ok(())
}

fn link(row: &AnyRow) -> Result<Link, sqlx::Error> {
    let (id, user, purpose): (String, String, String) = (
        row.try_get("id")?,
        row.try_get("user_id")?,
        row.try_get("purpose")?,
    );
    let unreadable = |what: &str| sqlx::Error::Decode(format!("mail_tokens.{what} cannot be read").into());
    Ok(Link {
        id: Uuid::parse_str(&id).map_err(|_| unreadable("id"))?,
        user: UserId::parse(&user).ok_or_else(|| unreadable("user_id"))?,
        purpose: Purpose::parse(&purpose).ok_or_else(|| unreadable("purpose"))?,
        email: row.try_get("email")?,
    })
}
