//! SQL of links.

use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::UserId;
use uuid::Uuid;

use super::{EmailLink, Purpose};
use crate::accounts::User;
use crate::accounts::store::user;

pub(super) async fn insert(
    connection: &mut db::Connection,
    link: &EmailLink,
    secret_hash: &str,
    now_ms: i64,
    expires_at_ms: i64,
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
    .bind(expires_at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns a link that is neither used nor expired.
pub(super) async fn find(
    pool: &db::Pool,
    secret_hash: &str,
    now_ms: i64,
) -> Result<Option<EmailLink>, sqlx::Error> {
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

/// Marks the link as used and returns it. Of several concurrent calls, only one gets the link.
pub(super) async fn consume(
    connection: &mut db::Connection,
    secret_hash: &str,
    page: &str,
    now_ms: i64,
) -> Result<Option<EmailLink>, sqlx::Error> {
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

/// Returns the account unless it is deleted, and locks it until the transaction ends.
pub(super) async fn account(
    connection: &mut db::Connection,
    id: UserId,
) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE users SET id = id WHERE id = $1 AND deleted_at IS NULL
         RETURNING id AS user_id, email, email_verified_at, operator_since_ms, consent",
    )
    .bind(id.to_string())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(user).transpose()
}

/// Marks the address as confirmed. Returns false if it already was.
pub(super) async fn confirm_email(
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

/// Changes the address and marks it as confirmed.
///
/// # Errors
/// A unique violation when another account has the address.
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

/// Marks all links of the account as used.
pub(super) async fn revoke_all(
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

fn link(row: &AnyRow) -> Result<EmailLink, sqlx::Error> {
    let (id, user, purpose): (String, String, String) = (
        row.try_get("id")?,
        row.try_get("user_id")?,
        row.try_get("purpose")?,
    );
    let unreadable = |what: &str| sqlx::Error::Decode(format!("mail_tokens.{what} cannot be read").into());
    Ok(EmailLink {
        id: Uuid::parse_str(&id).map_err(|_| unreadable("id"))?,
        user: UserId::parse(&user).ok_or_else(|| unreadable("user_id"))?,
        purpose: Purpose::parse(&purpose).ok_or_else(|| unreadable("purpose"))?,
        email: row.try_get("email")?,
    })
}
