//! SQL of accounts, logins and the cookies behind them.

use sqlx::{AnyPool, Row};
use tracking::{Choice, UserId};
use uuid::Uuid;

use super::{Login, User};

/// Why a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The person said so.
    SignOut,
    /// The person said so elsewhere, or has changed the password elsewhere.
    Revoked,
    /// Somebody with the mail's link has set a new password.
    PasswordReset,
    /// The account goes.
    Deleted,
    /// Nobody came for as long as the cookie lives.
    Expired,
}

impl EndedBy {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignOut => "sign_out",
            Self::Revoked => "revoked",
            Self::PasswordReset => "password_reset",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
        }
    }
}

/// `false`: the address has an account already.
pub(super) async fn insert_user(
    connection: &mut db::Connection,
    user: &User,
    email_key: &str,
    password_hash: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO users (id, email, email_key, password_hash, account_type, consent, created_at)
         VALUES ($1, $2, $3, $4, 'free', $5, $6) ON CONFLICT (email_key) DO NOTHING",
    )
    .bind(user.id.to_string())
    .bind(&user.email)
    .bind(email_key)
    .bind(password_hash)
    .bind(user.consent.as_str())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes the choice, and when it was made.
pub(super) async fn set_consent(
    connection: &mut db::Connection,
    user: UserId,
    choice: Choice,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE users SET consent = $2 WHERE id = $1")
        .bind(user.to_string())
        .bind(choice.as_str())
        .execute(&mut *connection)
        .await?;
    if choice != Choice::Unset {
        sqlx::query("INSERT INTO consent_changes (user_id, choice, changed_at) VALUES ($1, $2, $3)")
            .bind(user.to_string())
            .bind(choice.as_str())
            .bind(now_ms)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// With the password's hash.
pub(super) async fn user_by_email(pool: &AnyPool, key: &str) -> Result<Option<(User, String)>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id AS user_id, email, email_verified_at, consent, password_hash FROM users
         WHERE email_key = $1 AND deleted_at IS NULL",
    )
    .bind(key)
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok((user(&row)?, row.try_get("password_hash")?)))
        .transpose()
}

/// Whether the password that was looked at before this transaction is still the account's. From here on nobody can change
/// it, or end the account, until the transaction is over.
pub(super) async fn hold_account(
    connection: &mut db::Connection,
    user: UserId,
    password_hash: &str,
) -> Result<bool, sqlx::Error> {
    let held = sqlx::query(
        "UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL",
    )
    .bind(user.to_string())
    .bind(password_hash)
    .execute(connection)
    .await?;
    Ok(held.rows_affected() == 1)
}

pub(super) async fn insert_login(
    connection: &mut db::Connection,
    login: &Login,
    user_agent: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO logins (id, user_id, created_at, last_seen_at, user_agent) VALUES ($1, $2, $3, $3, $4)",
    )
    .bind(login.id.to_string())
    .bind(login.user.id.to_string())
    .bind(now_ms)
    .bind(user_agent)
    .execute(connection)
    .await?;
    Ok(())
}

/// A live login with its account.
pub(super) async fn login(pool: &AnyPool, id: Uuid) -> Result<Option<Login>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT users.id AS user_id, users.email, users.email_verified_at, users.consent, logins.last_seen_at
         FROM logins JOIN users ON users.id = logins.user_id
         WHERE logins.id = $1 AND logins.ended_at IS NULL AND users.deleted_at IS NULL",
    )
    .bind(id.to_string())
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(Login {
            id,
            user: user(&row)?,
            last_seen_at: row.try_get("last_seen_at")?,
        })
    })
    .transpose()
}

pub(super) async fn owner_of_login(pool: &AnyPool, id: Uuid) -> Result<Option<UserId>, sqlx::Error> {
    let owner: Option<String> = sqlx::query_scalar(
        "SELECT user_id FROM logins JOIN users ON users.id = logins.user_id
         WHERE logins.id = $1 AND users.deleted_at IS NULL",
    )
    .bind(id.to_string())
    .fetch_optional(pool)
    .await?;
    Ok(owner.and_then(|text| UserId::parse(&text)))
}

pub(super) async fn seen(pool: &AnyPool, id: Uuid, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE logins SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2")
        .bind(id.to_string())
        .bind(now_ms)
        .execute(pool)
        .await?;
    Ok(())
}

/// `false`: it had ended before.
pub(super) async fn end_login(
    connection: &mut db::Connection,
    id: Uuid,
    by: EndedBy,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query("UPDATE logins SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL")
            .bind(id.to_string())
            .bind(now_ms)
            .bind(by.as_str())
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every login of the account but one.
pub(super) async fn end_logins(
    connection: &mut db::Connection,
    user: UserId,
    except: Option<Uuid>,
    by: EndedBy,
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE logins SET ended_at = $2, ended_by = $3 WHERE user_id = $1 AND ended_at IS NULL AND id <> $4",
    )
    .bind(user.to_string())
    .bind(now_ms)
    .bind(by.as_str())
    .bind(except.map(|id| id.to_string()).unwrap_or_default())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn set_password(
    connection: &mut db::Connection,
    user: UserId,
    password_hash: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
        .bind(user.to_string())
        .bind(password_hash)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn live_logins(connection: &mut db::Connection, user: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM logins WHERE user_id = $1 AND ended_at IS NULL")
        .bind(user.to_string())
        .fetch_one(connection)
        .await
}

/// Logins that nobody used since `idle_since_ms`.
pub(super) async fn expire_logins(
    pool: &AnyPool,
    idle_since_ms: i64,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE logins SET ended_at = $2, ended_by = $3 WHERE ended_at IS NULL AND last_seen_at < $1",
    )
    .bind(idle_since_ms)
    .bind(now_ms)
    .bind(EndedBy::Expired.as_str())
    .execute(pool)
    .await?;
    Ok(())
}

/// `false`: another cookie has this hash already.
pub(super) async fn insert_cookie(
    pool: &AnyPool,
    id_hash: &str,
    data: &str,
    expires_at: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO login_cookies (id_hash, data, expires_at) VALUES ($1, $2, $3) ON CONFLICT (id_hash) DO NOTHING",
    )
    .bind(id_hash)
    .bind(data)
    .bind(expires_at)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn save_cookie(
    pool: &AnyPool,
    id_hash: &str,
    data: &str,
    expires_at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO login_cookies (id_hash, data, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (id_hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at",
    )
    .bind(id_hash)
    .bind(data)
    .bind(expires_at)
    .execute(pool)
    .await?;
    Ok(())
}

/// Data and expiry of a cookie that has not expired.
pub(super) async fn cookie(
    pool: &AnyPool,
    id_hash: &str,
    now_ms: i64,
) -> Result<Option<(String, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT data, expires_at FROM login_cookies WHERE id_hash = $1 AND expires_at > $2")
        .bind(id_hash)
        .bind(now_ms)
        .fetch_optional(pool)
        .await
}

/// Ends its life at `expires_at`, if it would live longer.
pub(super) async fn give_up_cookie(
    pool: &AnyPool,
    id_hash: &str,
    expires_at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE login_cookies SET expires_at = $2 WHERE id_hash = $1 AND expires_at > $2")
        .bind(id_hash)
        .bind(expires_at)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn delete_expired_cookies(pool: &AnyPool, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM login_cookies WHERE expires_at <= $1")
        .bind(now_ms)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) fn user(row: &sqlx::any::AnyRow) -> Result<User, sqlx::Error> {
    let id: String = row.try_get("user_id")?;
    let consent: String = row.try_get("consent")?;
    Ok(User {
        id: UserId::parse(&id).ok_or_else(|| sqlx::Error::Decode("users.id is no UUID".into()))?,
        email: row.try_get("email")?,
        verified: row.try_get::<Option<i64>, _>("email_verified_at")?.is_some(),
        consent: Choice::parse(&consent),
    })
}

/// Failures and the end of the window they are counted in, if it is still open.
pub(super) async fn failures(
    pool: &AnyPool,
    key: &str,
    now_ms: i64,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT failures, window_end FROM throttles WHERE key = $1 AND window_end > $2")
        .bind(key)
        .bind(now_ms)
        .fetch_optional(pool)
        .await
}

/// Counts one, and gives the count with the end of its window; a window that is over starts anew.
pub(super) async fn count_failure(
    connection: &mut db::Connection,
    key: &str,
    now_ms: i64,
    window_end: i64,
) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO throttles (key, failures, window_end) VALUES ($1, 1, $3)
         ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN throttles.window_end > $2 THEN throttles.failures + 1 ELSE 1 END,
            window_end = CASE WHEN throttles.window_end > $2 THEN throttles.window_end ELSE $3 END
         RETURNING failures, window_end",
    )
    .bind(key)
    .bind(now_ms)
    .bind(window_end)
    .fetch_one(connection)
    .await
}

pub(super) async fn forget_failures(connection: &mut db::Connection, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM throttles WHERE key = $1")
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete_old_throttles(pool: &AnyPool, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM throttles WHERE window_end <= $1")
        .bind(now_ms)
        .execute(pool)
        .await?;
    Ok(())
}
