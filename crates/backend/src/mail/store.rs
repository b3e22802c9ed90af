//! SQL of the mail queue.

use sqlx::{AnyPool, Row};
use tracking::UserId;
use uuid::Uuid;

use super::{MailContent, MailKind, StoredMail};

/// A mail to enqueue.
pub(super) struct NewMail<'a> {
    pub(super) id: Uuid,
    pub(super) kind: MailKind,
    pub(super) user: Option<UserId>,
    pub(super) recipient: &'a str,
    pub(super) detail: Option<&'a str>,
}

/// A mail that is leased to the caller.
pub(super) struct ClaimedMail {
    pub(super) id: Uuid,
    pub(super) kind: MailKind,
    pub(super) user: Option<UserId>,
    pub(super) recipient: String,
    pub(super) detail: String,
    /// Attempts, including the coming one.
    pub(super) attempts: i64,
    /// Earlier attempts that panicked.
    pub(super) panics: i64,
}

/// The new state of a claimed mail.
pub(super) enum MailSettlement {
    /// The mail was sent.
    Sent,
    /// The mail is no longer needed.
    Dropped,
    /// The mail is not retried. Contains the error.
    Parked(String),
    /// The mail is retried at `at_ms` (ms since the epoch). `panics`: attempts that panicked so far.
    Retry { at_ms: i64, panics: i64, error: String },
}

pub(super) async fn insert(
    connection: &mut db::Connection,
    mail: &NewMail<'_>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO mails (id, user_id, kind, recipient, detail, created_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
    )
    .bind(mail.id.to_string())
    .bind(mail.user.map(|user| user.to_string()))
    .bind(mail.kind.as_str())
    .bind(mail.recipient)
    .bind(mail.detail)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the ID of the mail that has been due longest.
pub(super) async fn due(pool: &AnyPool, now_ms: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM mails
         WHERE (state = 'pending' AND next_attempt_at <= $1) OR (state = 'leased' AND lease_until <= $1)
         ORDER BY next_attempt_at, id LIMIT 1",
    )
    .bind(now_ms)
    .fetch_optional(pool)
    .await
}

/// Leases the mail. Returns `None` if another sender leased it first.
pub(super) async fn lease(
    pool: &AnyPool,
    id: &str,
    owner: &str,
    now_ms: i64,
    until_ms: i64,
) -> Result<Option<ClaimedMail>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE mails SET state = 'leased', lease_owner = $2, lease_until = $3, attempts = attempts + 1
         WHERE id = $1
           AND ((state = 'pending' AND next_attempt_at <= $4) OR (state = 'leased' AND lease_until <= $4))
         RETURNING id, kind, user_id, recipient, detail, attempts, panics",
    )
    .bind(id)
    .bind(owner)
    .bind(until_ms)
    .bind(now_ms)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        let id: String = row.try_get("id")?;
        let kind: String = row.try_get("kind")?;
        let user: Option<String> = row.try_get("user_id")?;
        let unreadable = |what: &str| sqlx::Error::Decode(format!("mails.{what} cannot be read").into());
        Ok(ClaimedMail {
            id: Uuid::parse_str(&id).map_err(|_| unreadable("id"))?,
            kind: MailKind::parse(&kind).ok_or_else(|| unreadable("kind"))?,
            user: user.and_then(|text| UserId::parse(&text)),
            recipient: row.try_get("recipient")?,
            detail: row.try_get::<Option<String>, _>("detail")?.unwrap_or_default(),
            attempts: row.try_get("attempts")?,
            panics: row.try_get("panics")?,
        })
    })
    .transpose()
}

/// Settles the mail. Returns false if it is no longer leased to `owner`. Settling erases the addresses, unless the
/// mailbox stores the mail.
pub(super) async fn settle(
    pool: &AnyPool,
    id: Uuid,
    owner: &str,
    settlement: &MailSettlement,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let (state, settled_at_ms, next_attempt_at_ms, panics, error) = match settlement {
        MailSettlement::Sent => ("sent", Some(now_ms), None, None, None),
        MailSettlement::Dropped => ("dropped", Some(now_ms), None, None, None),
        MailSettlement::Parked(error) => ("parked", Some(now_ms), None, None, Some(error)),
        MailSettlement::Retry { at_ms, panics, error } => {
            ("pending", None, Some(*at_ms), Some(*panics), Some(error))
        }
    };
    let done = sqlx::query(
        "UPDATE mails SET state = $3, settled_at = $4, next_attempt_at = COALESCE($5, next_attempt_at),
                panics = COALESCE($7, panics), last_error = $6, lease_owner = NULL, lease_until = NULL,
                recipient = CASE WHEN $3 = 'pending' OR letter IS NOT NULL THEN recipient END,
                detail = CASE WHEN $3 = 'pending' THEN detail END
         WHERE id = $1 AND state = 'leased' AND lease_owner = $2",
    )
    .bind(id.to_string())
    .bind(owner)
    .bind(state)
    .bind(settled_at_ms)
    .bind(next_attempt_at_ms)
    .bind(error.map(String::as_str))
    .bind(panics)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns the account of an address, with the address in its stored spelling.
pub(super) async fn account_of(
    connection: &mut db::Connection,
    email_key: &str,
) -> Result<Option<(UserId, String)>, sqlx::Error> {
    let row = sqlx::query("SELECT id, email FROM users WHERE email_key = $1 AND deleted_at IS NULL")
        .bind(email_key)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let id: String = row.try_get("id")?;
        let id = UserId::parse(&id).ok_or_else(|| sqlx::Error::Decode("users.id is no UUID".into()))?;
        Ok((id, row.try_get("email")?))
    })
    .transpose()
}

/// Whether the account exists, has this address, and has not confirmed it.
pub(super) async fn is_unverified(
    connection: &mut db::Connection,
    user: UserId,
    email_key: &str,
) -> Result<bool, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT id FROM users WHERE id = $1 AND email_key = $2 AND email_verified_at IS NULL AND deleted_at IS NULL",
    )
    .bind(user.to_string())
    .bind(email_key)
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Whether the mail still exists and its account is not deleted.
pub(super) async fn is_pending(connection: &mut db::Connection, mail: Uuid) -> Result<bool, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT mails.id FROM mails JOIN users ON users.id = mails.user_id
         WHERE mails.id = $1 AND users.deleted_at IS NULL",
    )
    .bind(mail.to_string())
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

pub(super) async fn withdraw(
    connection: &mut db::Connection,
    user: UserId,
    kind: MailKind,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM mails WHERE user_id = $1 AND kind = $2 AND settled_at IS NULL")
        .bind(user.to_string())
        .bind(kind.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete_unsent(connection: &mut db::Connection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM mails WHERE user_id = $1 AND settled_at IS NULL")
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores a mail in the mailbox of local mode. `content` is JSON.
pub(super) async fn store_content(
    pool: &AnyPool,
    id: Uuid,
    recipient: &str,
    content: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE mails SET recipient = $2, letter = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(recipient)
        .bind(content)
        .execute(pool)
        .await?;
    Ok(())
}

/// Returns the mails of the mailbox to one address or to all, newest first.
pub(super) async fn stored_mails(
    pool: &AnyPool,
    recipient_key: Option<&str>,
    limit: i64,
) -> Result<Vec<StoredMail>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, recipient, letter, created_at FROM mails
         WHERE letter IS NOT NULL AND ($1 = '' OR LOWER(recipient) = $1)
         ORDER BY created_at DESC, id DESC LIMIT $2",
    )
    .bind(recipient_key.unwrap_or_default())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let id: String = row.try_get("id")?;
            let content: String = row.try_get("letter")?;
            let decode = |error: String| sqlx::Error::Decode(error.into());
            Ok(StoredMail {
                id: Uuid::parse_str(&id).map_err(|error| decode(error.to_string()))?,
                recipient: row.try_get("recipient")?,
                content: serde_json::from_str::<MailContent>(&content)
                    .map_err(|error| decode(error.to_string()))?,
                created_at_ms: row.try_get("created_at")?,
            })
        })
        .collect()
}
