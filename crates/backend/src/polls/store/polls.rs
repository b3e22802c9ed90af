//! SQL of single polls and their options.

use forms::search_text;
use sqlx::{AssertSqlSafe, Row};
use tracking::{AccountType, UserId};
use uuid::Uuid;

use super::{COLUMNS, account_type, owner_of, poll_of, uuid};
use crate::polls::{ClosedBy, Poll};

/// A poll with its owner.
pub(in crate::polls) struct PollRecord {
    pub owner: UserId,
    /// How often it was deleted.
    pub deletions: i64,
    pub poll: Poll,
}

/// Locks the owner's row until the transaction ends and returns the plan; `None` if the account does not exist. The
/// lock prevents concurrent transactions from exceeding the limit of open polls.
pub(in crate::polls) async fn lock_owner(
    connection: &mut db::Connection,
    owner: UserId,
) -> Result<Option<AccountType>, sqlx::Error> {
    let plan: Option<String> = sqlx::query_scalar(
        "UPDATE users SET account_type = account_type WHERE id = $1 RETURNING account_type",
    )
    .bind(owner.to_string())
    .fetch_optional(connection)
    .await?;
    Ok(plan.as_deref().map(account_type))
}

/// Returns the plan of an account; `None` if the account does not exist.
pub(in crate::polls) async fn plan(
    connection: &mut db::Connection,
    owner: UserId,
) -> Result<Option<AccountType>, sqlx::Error> {
    let plan: Option<String> = sqlx::query_scalar("SELECT account_type FROM users WHERE id = $1")
        .bind(owner.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(plan.as_deref().map(account_type))
}

/// Locks the poll until the transaction ends, and increments its version, so that open pages read the results again.
pub(in crate::polls) async fn lock(connection: &mut db::Connection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE polls SET changes = changes + 1 WHERE id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::polls) async fn poll(
    connection: &mut db::Connection,
    id: Uuid,
) -> Result<Option<PollRecord>, sqlx::Error> {
    // Only our own column names are interpolated.
    let select = AssertSqlSafe(format!(
        "SELECT {COLUMNS}, poll_options.label FROM polls JOIN poll_options ON poll_options.poll_id = polls.id
         WHERE polls.id = $1 ORDER BY poll_options.position"
    ));
    let rows = sqlx::query(select)
        .bind(id.to_string())
        .fetch_all(connection)
        .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let mut poll = poll_of(first)?;
    for row in &rows {
        poll.options.push(row.try_get("label")?);
    }
    Ok(Some(PollRecord {
        owner: owner_of(first)?,
        deletions: first.try_get("deletions")?,
        poll,
    }))
}

/// Returns the poll that was created by this form.
pub(in crate::polls) async fn created_by_form(
    connection: &mut db::Connection,
    owner: UserId,
    form: Uuid,
) -> Result<Option<Poll>, sqlx::Error> {
    let id: Option<String> = sqlx::query_scalar("SELECT id FROM polls WHERE user_id = $1 AND form_id = $2")
        .bind(owner.to_string())
        .bind(form.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    match id {
        Some(id) => Ok(poll(connection, uuid(&id)?).await?.map(|found| found.poll)),
        None => Ok(None),
    }
}

pub(in crate::polls) async fn insert(
    connection: &mut db::Connection,
    owner: UserId,
    poll: &Poll,
    form: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO polls (id, user_id, question, search_key, multiple_choice, created_at, closes_at, form_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(poll.id.to_string())
    .bind(owner.to_string())
    .bind(&poll.question)
    .bind(search_text(&poll.question))
    .bind(i64::from(poll.multiple_choice))
    .bind(poll.created_at_ms)
    .bind(poll.closes_at_ms)
    .bind(form.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::polls) async fn update(
    connection: &mut db::Connection,
    poll: &Poll,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE polls SET question = $2, search_key = $3, multiple_choice = $4, closes_at = $5, edits = $6 WHERE id = $1",
    )
    .bind(poll.id.to_string())
    .bind(&poll.question)
    .bind(search_text(&poll.question))
    .bind(i64::from(poll.multiple_choice))
    .bind(poll.closes_at_ms)
    .bind(poll.edits)
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::polls) async fn delete_options(
    connection: &mut db::Connection,
    poll: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM poll_options WHERE poll_id = $1")
        .bind(poll.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::polls) async fn insert_options(
    connection: &mut db::Connection,
    poll: Uuid,
    options: &[String],
) -> Result<(), sqlx::Error> {
    // sqlx's query builder for `Any` writes SQLite placeholders, which Postgres does not support.
    let rows: Vec<String> = (0..options.len())
        .map(|position| format!("($1, {position}, ${})", position + 2))
        .collect();
    let insert = format!(
        "INSERT INTO poll_options (poll_id, position, label) VALUES {}",
        rows.join(", ")
    );
    // Only our own numbers are interpolated.
    let mut query = sqlx::query(AssertSqlSafe(insert)).bind(poll.to_string());
    for label in options {
        query = query.bind(label);
    }
    query.execute(connection).await?;
    Ok(())
}

pub(in crate::polls) async fn close(
    connection: &mut db::Connection,
    id: Uuid,
    by: ClosedBy,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE polls SET closed_at = $2, closed_by = $3 WHERE id = $1 AND closed_at IS NULL")
        .bind(id.to_string())
        .bind(now_ms)
        .bind(closed_by(by))
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the IDs of polls whose closing time has passed, longest due first.
pub(in crate::polls) async fn due(
    pool: &db::Pool,
    now_ms: i64,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM polls
         WHERE closes_at IS NOT NULL AND closed_at IS NULL AND deleted_at IS NULL AND closes_at <= $1
         ORDER BY closes_at, id LIMIT $2",
    )
    .bind(now_ms)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    ids.iter().map(|id| uuid(id)).collect()
}

/// Closes the poll if its closing time has passed and it is still open. Returns the closing time (ms since the epoch).
pub(in crate::polls) async fn close_due(
    connection: &mut db::Connection,
    id: Uuid,
    by: ClosedBy,
    now_ms: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE polls SET closed_at = closes_at, closed_by = $3, changes = changes + 1
         WHERE id = $1 AND closed_at IS NULL AND deleted_at IS NULL AND closes_at <= $2
         RETURNING closes_at",
    )
    .bind(id.to_string())
    .bind(now_ms)
    .bind(closed_by(by))
    .fetch_optional(connection)
    .await
}

pub(in crate::polls) async fn delete(
    connection: &mut db::Connection,
    id: Uuid,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE polls SET deleted_at = $2, deletions = deletions + 1 WHERE id = $1")
        .bind(id.to_string())
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::polls) async fn restore(connection: &mut db::Connection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE polls SET deleted_at = NULL WHERE id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

const fn closed_by(by: ClosedBy) -> &'static str {
    match by {
        ClosedBy::Owner => "owner",
        ClosedBy::Time => "time",
    }
}
