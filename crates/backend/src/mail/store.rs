//! SQL of mails.

use sqlx::{AnyPool, Row};
use tracking::UserId;
use uuid::Uuid;

use super::{KeptMail, Kind, Letter};

/// A mail as a verb writes it.
pub(super) struct NewMail<'a> {
    pub(super) id: Uuid,
    pub(super) kind: Kind,
    pub(super) user: Option<UserId>,
    pub(super) recipient: &'a str,
    pub(super) detail: Option<&'a str>,
}

/// A mail that is ours until the lease ends.
pub(super) struct Claimed {
    pub(super) id: Uuid,
    pub(super) kind: Kind,
    pub(super) user: Option<UserId>,
    pub(super) recipient: String,
    pub(super) detail: String,
    /// Attempts, the coming one included.
    pub(super) attempts: i64,
}

/// What becomes of a claimed mail.
pub(super) enum Settlement {
    /// It left.
    Sent,
    /// There is nobody to send it to.
    Dropped,
    /// Given up; why.
    Parked(String),
    /// Tried again then; why.
    Again { at_ms: i64, error: String },
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

/// The mail that has been due for longest, if any is.
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

/// Takes it. `None`: somebody else was faster.
pub(super) async fn lease(
    pool: &AnyPool,
    id: &str,
    owner: &str,
    now_ms: i64,
    until_ms: i64,
) -> Result<Option<Claimed>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE mails SET state = 'leased', lease_owner = $2, lease_until = $3, attempts = attempts + 1
         WHERE id = $1
           AND ((state = 'pending' AND next_attempt_at <= $4) OR (state = 'leased' AND lease_until <= $4))
         RETURNING id, kind, user_id, recipient, detail, attempts",
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
        Ok(Claimed {
            id: Uuid::parse_str(&id).map_err(|_| unreadable("id"))?,
            kind: Kind::parse(&kind).ok_or_else(|| unreadable("kind"))?,
            user: user.and_then(|text| UserId::parse(&text)),
            recipient: row.try_get("recipient")?,
            detail: row.try_get::<Option<String>, _>("detail")?.unwrap_or_default(),
            attempts: row.try_get("attempts")?,
        })
    })
    .transpose()
}

/// Writes down what became of it, if it is still ours. What is settled forgets its addresses, unless a mailbox keeps it.
pub(super) async fn settle(
    pool: &AnyPool,
    id: Uuid,
    owner: &str,
    settlement: &Settlement,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let (state, settled_at, next_attempt_at, error) = match settlement {
        Settlement::Sent => ("sent", Some(now_ms), None, None),
        Settlement::Dropped => ("dropped", Some(now_ms), None, None),
        Settlement::Parked(error) => ("parked", Some(now_ms), None, Some(error)),
        Settlement::Again { at_ms, error } => ("pending", None, Some(*at_ms), Some(error)),
    };
    let done = sqlx::query(
        "UPDATE mails SET state = $3, settled_at = $4, next_attempt_at = COALESCE($5, next_attempt_at),
                last_error = $6, lease_owner = NULL, lease_until = NULL,
                recipient = CASE WHEN $3 = 'pending' OR letter IS NOT NULL THEN recipient END,
                detail = CASE WHEN $3 = 'pending' THEN detail END
         WHERE id = $1 AND state = 'leased' AND lease_owner = $2",
    )
    .bind(id.to_string())
    .bind(owner)
    .bind(state)
    .bind(settled_at)
    .bind(next_attempt_at)
    .bind(error.map(String::as_str))
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The account of an address, and the address as the account has it.
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

/// Whether the account is there, has this address, and has not proven it.
pub(super) async fn is_unproven(
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

/// Whether the mail is still to be sent: its account is there, and nobody has taken it back.
pub(super) async fn is_wanted(connection: &mut db::Connection, mail: Uuid) -> Result<bool, sqlx::Error> {
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
    kind: Kind,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM mails WHERE user_id = $1 AND kind = $2 AND settled_at IS NULL")
        .bind(user.to_string())
        .bind(kind.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn drop_unsent(connection: &mut db::Connection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM mails WHERE user_id = $1 AND settled_at IS NULL")
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete_settled(pool: &AnyPool, before_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM mails WHERE settled_at < $1")
        .bind(before_ms)
        .execute(pool)
        .await?;
    Ok(())
}

/// Puts a letter into the mailbox of local mode.
pub(super) async fn keep(pool: &AnyPool, id: Uuid, recipient: &str, letter: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE mails SET recipient = $2, letter = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(recipient)
        .bind(letter)
        .execute(pool)
        .await?;
    Ok(())
}

/// The newest letters of the mailbox, to one address or to all.
pub(super) async fn kept(
    pool: &AnyPool,
    recipient_key: Option<&str>,
    limit: i64,
) -> Result<Vec<KeptMail>, sqlx::Error> {
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
            let letter: String = row.try_get("letter")?;
            let decode = |error: String| sqlx::Error::Decode(error.into());
            Ok(KeptMail {
                id: Uuid::parse_str(&id).map_err(|error| decode(error.to_string()))?,
                recipient: row.try_get("recipient")?,
                letter: serde_json::from_str::<Letter>(&letter).map_err(|error| decode(error.to_string()))?,
                created_at: row.try_get("created_at")?,
            })
        })
        .collect()
}
