//! SQL of accounts and logins; submodules for login cookies and throttles.

mod cookies;
#[cfg(test)]
mod tests;
mod throttles;

pub(super) use cookies::{cookie, expire_soon, insert_cookie, save_cookie};
pub(super) use throttles::{count_attempt, delete_throttle, refund_attempt};

use db::{Db, Statement};
use forms::Email;
use sqlx::{AssertSqlSafe, Row};
use tracking::{Choice, UserId};
use uuid::Uuid;

use super::login_lifetime::OpenBounds;
use super::{CookieLogin, Login, LoginCookies, User};

/// Why a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The user signed out.
    SignOut,
    /// The user ended it from another browser, or another login replaced it after a change of password or address.
    Revoked,
    /// A new password was set with a reset link.
    PasswordReset,
    /// The account was deleted.
    Deleted,
    /// The login was idle for 30 days, or began 90 days ago.
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

/// The statements that insert an account and its consent choice. If the address already has an account, in any spelling, they
/// insert no account, and the statement that references it fails; on Postgres, all of them.
pub(super) fn insert_user(
    user: &User,
    email: &Email,
    password_hash: &str,
    now_ms: i64,
) -> impl Iterator<Item = Statement> {
    let [typed, key, unicode] = email.keys();
    // With `IN` Postgres reads the whole table until it has statistics of it.
    let insert = "INSERT INTO users (id, email, email_key, password_hash, account_type, consent, created_at)
         SELECT $1, $2, $3, $4, 'free', $5, $6
         WHERE NOT EXISTS (SELECT 1 FROM users WHERE email_key = $7)
           AND NOT EXISTS (SELECT 1 FROM users WHERE email_key = $8)
         ON CONFLICT (email_key) DO NOTHING";
    let account = Statement::new(insert)
        .bind(user.id.to_string())
        .bind(user.email.as_str())
        .bind(key.as_str())
        .bind(password_hash)
        .bind(user.consent.as_str())
        .bind(now_ms)
        .bind(typed.as_str())
        .bind(unicode.as_str());
    [account]
        .into_iter()
        .chain(insert_consent_change(user.id, user.consent, now_ms))
}

/// Writes the consent choice and records the change.
pub(super) async fn set_consent(
    connection: &mut db::Connection,
    user: UserId,
    choice: Choice,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let changed = sqlx::query("UPDATE users SET consent = $2 WHERE id = $1 AND consent <> $2")
        .bind(user.to_string())
        .bind(choice.as_str())
        .execute(&mut *connection)
        .await?;
    // The same choice again is no change, and adds no row.
    if changed.rows_affected() > 0 {
        db::execute_all(connection, insert_consent_change(user, choice, now_ms)).await?;
    }
    Ok(())
}

/// The statement that records a change of the consent choice. `None` for a withdrawn choice.
fn insert_consent_change(user: UserId, choice: Choice, now_ms: i64) -> Option<Statement> {
    let insert =
        Statement::new("INSERT INTO consent_changes (user_id, choice, changed_at) VALUES ($1, $2, $3)")
            .bind(user.to_string())
            .bind(choice.as_str())
            .bind(now_ms);
    (choice != Choice::Unset).then_some(insert)
}

/// The account's consent choice now and at `at_ms` (ms since the epoch), as this transaction sees them. An account without a
/// recorded change has had its choice from the beginning: versions up to 0.2.0 did not record the choice of a sign-up.
pub(super) async fn consent_now_and_at(
    connection: &mut db::Connection,
    user: UserId,
    at_ms: i64,
) -> Result<[Choice; 2], sqlx::Error> {
    let found: Option<(String, Option<String>)> = sqlx::query_as(
        "SELECT consent, COALESCE(
                (SELECT choice FROM consent_changes WHERE user_id = users.id AND changed_at <= $2
                 ORDER BY changed_at DESC LIMIT 1),
                CASE WHEN NOT EXISTS (SELECT 1 FROM consent_changes WHERE user_id = users.id) THEN consent END)
         FROM users WHERE id = $1",
    )
    .bind(user.to_string())
    .bind(at_ms)
    .fetch_optional(connection)
    .await?;
    let (now, then) = found.unzip();
    let choice = |text: Option<String>| text.as_deref().map_or(Choice::Unset, Choice::parse);
    Ok([choice(now), choice(then.flatten())])
}

/// Returns the account of an address, and its password hash. If spellings of the address have accounts from before the text
/// policy, the spelling that was typed is preferred.
pub(super) async fn user_by_email(
    pool: &db::Pool,
    email: &Email,
) -> Result<Option<(User, String)>, sqlx::Error> {
    let [typed, key, unicode] = email.keys();
    let row = sqlx::query(
        "SELECT id AS user_id, email, email_verified_at, operator_since_ms, consent, password_hash FROM users
         WHERE email_key IN ($1, $2, $3) AND deleted_at IS NULL
         ORDER BY CASE email_key WHEN $1 THEN 0 WHEN $2 THEN 1 ELSE 2 END LIMIT 1",
    )
    .bind(typed)
    .bind(key)
    .bind(unicode)
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok((user(&row)?, row.try_get("password_hash")?)))
        .transpose()
}

/// Locks the account until the transaction ends, if it still has this password hash. Returns false if the password was
/// changed or the account was deleted since the hash was read.
pub(super) async fn lock_account_if_password(
    connection: &mut db::Connection,
    user: UserId,
    password_hash: &str,
) -> Result<bool, sqlx::Error> {
    let locked = sqlx::query(
        "UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL",
    )
    .bind(user.to_string())
    .bind(password_hash)
    .execute(connection)
    .await?;
    Ok(locked.rows_affected() == 1)
}

/// The statement that inserts a login.
pub(super) fn insert_login(login: &Login, user_agent: &str) -> Statement {
    Statement::new(
        "INSERT INTO logins (id, user_id, created_at, last_seen_at, user_agent) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(login.id.to_string())
    .bind(login.user.id.to_string())
    .bind(login.signed_in_at_ms)
    .bind(login.last_seen_at_ms)
    .bind(user_agent)
}

/// Returns the login that a cookie names, with its account if it is open.
pub(super) async fn login_of_cookie(
    db: &Db,
    id_hash: &str,
    now_ms: i64,
) -> Result<Option<CookieLogin>, sqlx::Error> {
    let login = db::json_text(db.engine(), "data", LoginCookies::LOGIN);
    let bounds = OpenBounds::at(now_ms);
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT named.login, users.id AS user_id, users.email, users.email_verified_at, users.operator_since_ms,
                users.consent, logins.created_at, logins.last_seen_at
         FROM (SELECT {login} AS login FROM login_cookies WHERE id_hash = $1 AND expires_at > $2) AS named
         LEFT JOIN logins ON logins.id = named.login AND logins.ended_at IS NULL
             AND logins.created_at > $3 AND logins.last_seen_at > $4
         LEFT JOIN users ON users.id = logins.user_id AND users.deleted_at IS NULL"
    )))
    .bind(id_hash)
    .bind(now_ms)
    .bind(bounds.signed_in_after_ms)
    .bind(bounds.seen_after_ms)
    .fetch_optional(db.pool())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(id) = row.try_get::<Option<String>, _>("login")? else {
        return Ok(None);
    };
    let id = Uuid::parse_str(&id).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let is_open = row.try_get::<Option<String>, _>("user_id")?.is_some();
    let open = match is_open {
        true => Some(Login {
            id,
            user: user(&row)?,
            signed_in_at_ms: row.try_get("created_at")?,
            last_seen_at_ms: row.try_get("last_seen_at")?,
        }),
        false => None,
    };
    Ok(Some(CookieLogin { id, open }))
}

pub(super) async fn owner_of_login(pool: &db::Pool, id: Uuid) -> Result<Option<UserId>, sqlx::Error> {
    let owner: Option<String> = sqlx::query_scalar(
        "SELECT user_id FROM logins JOIN users ON users.id = logins.user_id
         WHERE logins.id = $1 AND users.deleted_at IS NULL",
    )
    .bind(id.to_string())
    .fetch_optional(pool)
    .await?;
    Ok(owner.and_then(|text| UserId::parse(&text)))
}

pub(super) async fn record_activity(db: &Db, id: Uuid, now_ms: i64) -> Result<(), sqlx::Error> {
    let update = Statement::new("UPDATE logins SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2")
        .bind(id.to_string())
        .bind(now_ms);
    db.execute([update]).await.map(drop)
}

/// Returns false if the login had already ended.
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

/// Ends every login of the account except one. Returns the number of logins.
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

pub(super) async fn count_open_logins(
    connection: &mut db::Connection,
    user: UserId,
    bounds: OpenBounds,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM logins
         WHERE user_id = $1 AND ended_at IS NULL AND created_at > $2 AND last_seen_at > $3",
    )
    .bind(user.to_string())
    .bind(bounds.signed_in_after_ms)
    .bind(bounds.seen_after_ms)
    .fetch_one(connection)
    .await
}

pub(super) fn user(row: &sqlx::any::AnyRow) -> Result<User, sqlx::Error> {
    let id: String = row.try_get("user_id")?;
    let consent: String = row.try_get("consent")?;
    Ok(User {
        id: UserId::parse(&id).ok_or_else(|| sqlx::Error::Decode("users.id is no UUID".into()))?,
        email: row.try_get("email")?,
        verified: row.try_get::<Option<i64>, _>("email_verified_at")?.is_some(),
        operator: row.try_get::<Option<i64>, _>("operator_since_ms")?.is_some(),
        consent: Choice::parse(&consent),
    })
}
