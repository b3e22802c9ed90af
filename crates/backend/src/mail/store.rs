//! SQL of the mail queue.

use db::{Db, Engine, Statement};
use queue::{NewRow, Queue};
use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::UserId;
use uuid::Uuid;

use super::{MailContent, MailKind, StoredMail};

/// The queue of mails. The lane is the mail's ID, so mails do not wait for each other. A settled mail has no addresses,
/// unless the mailbox stores it.
pub(super) const MAILS: Queue = Queue {
    table: "mails",
    columns: "queued.kind, queued.user_id, queued.recipient, queued.detail",
    on_done: "settled_ms = $1, detail = NULL, recipient = CASE WHEN letter IS NOT NULL THEN recipient END",
    on_parked: "settled_ms = $1, detail = NULL, recipient = CASE WHEN letter IS NOT NULL THEN recipient END,",
};

/// A mail to enqueue.
pub(super) struct NewMail<'a> {
    pub(super) id: Uuid,
    pub(super) kind: MailKind,
    pub(super) user: Option<UserId>,
    pub(super) recipient: &'a str,
    pub(super) detail: Option<&'a str>,
}

/// A mail that is claimed.
pub(super) struct QueuedMail {
    pub(super) id: Uuid,
    pub(super) kind: MailKind,
    pub(super) user: Option<UserId>,
    pub(super) recipient: String,
    pub(super) detail: String,
}

/// The statements that insert a mail.
pub(super) fn insert_statements(engine: Engine, mail: &NewMail<'_>, now_ms: i64) -> [Statement; 2] {
    let row = NewRow::new(mail.id.to_string(), now_ms)
        .with("user_id", mail.user.map(|user| user.to_string()))
        .with("kind", mail.kind.as_str())
        .with("recipient", mail.recipient)
        .with("detail", mail.detail.map(str::to_owned));
    MAILS.insert_statements(engine, row)
}

pub(super) fn read(row: &AnyRow) -> Result<QueuedMail, sqlx::Error> {
    let (id, kind): (String, String) = (row.try_get("lane")?, row.try_get("kind")?);
    let user: Option<String> = row.try_get("user_id")?;
    let unreadable = |what: &str| sqlx::Error::Decode(format!("mails.{what} cannot be read").into());
    Ok(QueuedMail {
        id: Uuid::parse_str(&id).map_err(|_| unreadable("lane"))?,
        kind: MailKind::parse(&kind).ok_or_else(|| unreadable("kind"))?,
        user: user.and_then(|text| UserId::parse(&text)),
        recipient: row.try_get("recipient")?,
        detail: row.try_get::<Option<String>, _>("detail")?.unwrap_or_default(),
    })
}

/// Whether the mail exists, sent or not.
pub(super) async fn exists(connection: &mut db::Connection, id: Uuid) -> Result<bool, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar("SELECT lane FROM mails WHERE lane = $1")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

/// The account's address; `None` if it is not confirmed or the account is deleted.
pub(super) async fn confirmed_address(
    connection: &mut db::Connection,
    user: UserId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT email FROM users WHERE id = $1 AND email_verified_at IS NOT NULL AND deleted_at IS NULL",
    )
    .bind(user.to_string())
    .fetch_optional(connection)
    .await
}

/// Returns the account of an address, with the address in its stored spelling.
pub(super) async fn account_of(
    connection: &mut db::Connection,
    [typed, key, unicode]: &[String; 3],
) -> Result<Option<(UserId, String)>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id, email FROM users WHERE email_key IN ($1, $2, $3) AND deleted_at IS NULL
         ORDER BY CASE email_key WHEN $1 THEN 0 WHEN $2 THEN 1 ELSE 2 END LIMIT 1",
    )
    .bind(typed)
    .bind(key)
    .bind(unicode)
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
    [typed, key, unicode]: &[String; 3],
) -> Result<bool, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT id FROM users
         WHERE id = $1 AND email_key IN ($2, $3, $4) AND email_verified_at IS NULL AND deleted_at IS NULL",
    )
    .bind(user.to_string())
    .bind(typed)
    .bind(key)
    .bind(unicode)
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Whether the mail still exists and its account is not deleted.
pub(super) async fn is_pending(connection: &mut db::Connection, mail: Uuid) -> Result<bool, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT mails.lane FROM mails JOIN users ON users.id = mails.user_id
         WHERE mails.lane = $1 AND users.deleted_at IS NULL",
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
    sqlx::query("DELETE FROM mails WHERE user_id = $1 AND kind = $2 AND settled_ms IS NULL")
        .bind(user.to_string())
        .bind(kind.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete_unsent(connection: &mut db::Connection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM mails WHERE user_id = $1 AND settled_ms IS NULL")
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores a mail in the mailbox of local mode. `content` is JSON.
pub(super) async fn store_content(
    db: &Db,
    id: Uuid,
    recipient: &str,
    content: &str,
) -> Result<(), sqlx::Error> {
    let update = Statement::new("UPDATE mails SET recipient = $2, letter = $3 WHERE lane = $1")
        .bind(id.to_string())
        .bind(recipient)
        .bind(content);
    db.execute([update]).await.map(drop)
}

/// Returns the mails of the mailbox to one address or to all, newest first.
pub(super) async fn stored_mails(
    pool: &db::Pool,
    recipient_key: Option<&str>,
    limit: i64,
) -> Result<Vec<StoredMail>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT lane, recipient, letter, enqueued_ms FROM mails
         WHERE letter IS NOT NULL AND ($1 = '' OR LOWER(recipient) = $1)
         ORDER BY sequence DESC LIMIT $2",
    )
    .bind(recipient_key.unwrap_or_default())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let id: String = row.try_get("lane")?;
            let content: String = row.try_get("letter")?;
            let decode = |error: String| sqlx::Error::Decode(error.into());
            Ok(StoredMail {
                id: Uuid::parse_str(&id).map_err(|error| decode(error.to_string()))?,
                recipient: row.try_get("recipient")?,
                content: serde_json::from_str::<MailContent>(&content)
                    .map_err(|error| decode(error.to_string()))?,
                created_at_ms: row.try_get("enqueued_ms")?,
            })
        })
        .collect()
}
