//! SQL of the export. It reads all rows of one user, without a limit.

pub(super) mod billing;
pub(super) mod tracking;

use ::tracking::UserId;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::{Account, LoginRow, Poll, Vote};
use crate::dates::instant;

pub(super) async fn account(pool: &db::Pool, user: UserId) -> Result<Account, sqlx::Error> {
    let row = sqlx::query(
        "SELECT email, email_verified_at, account_type, consent, created_at FROM users WHERE id = $1",
    )
    .bind(user.to_string())
    .fetch_one(pool)
    .await?;
    Ok(Account {
        id: user,
        email: row.try_get("email")?,
        email_verified_at: row.try_get::<Option<i64>, _>("email_verified_at")?.map(instant),
        account_type: row.try_get("account_type")?,
        tracking_consent: row.try_get("consent")?,
        created_at: instant(row.try_get("created_at")?),
    })
}

pub(super) async fn logins(pool: &db::Pool, user: UserId) -> Result<Vec<LoginRow>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, created_at, last_seen_at, user_agent, ended_at, ended_by FROM logins
         WHERE user_id = $1 ORDER BY created_at, id",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(LoginRow {
                id: uuid(row, "id")?,
                began_at: instant(row.try_get("created_at")?),
                last_seen_at: instant(row.try_get("last_seen_at")?),
                browser: row.try_get("user_agent")?,
                ended_at: row.try_get::<Option<i64>, _>("ended_at")?.map(instant),
                ended_by: row.try_get("ended_by")?,
            })
        })
        .collect()
}

/// Reads all polls with one query, which returns one row per option.
pub(super) async fn polls(pool: &db::Pool, user: UserId) -> Result<Vec<Poll>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT polls.id, question, multiple_choice, polls.created_at, closes_at, closed_at, deleted_at, label
         FROM polls
         LEFT JOIN poll_options ON poll_id = polls.id
         WHERE user_id = $1 ORDER BY polls.created_at, polls.id, position",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    let mut polls: Vec<Poll> = Vec::new();
    for row in &rows {
        let id = uuid(row, "id")?;
        let label: Option<String> = row.try_get("label")?;
        if polls.last().is_none_or(|poll| poll.id != id) {
            polls.push(Poll {
                id,
                question: row.try_get("question")?,
                options: Vec::new(),
                multiple_choice: row.try_get::<i64, _>("multiple_choice")? == 1,
                created_at: instant(row.try_get("created_at")?),
                closes_at: row.try_get::<Option<i64>, _>("closes_at")?.map(instant),
                closed_at: row.try_get::<Option<i64>, _>("closed_at")?.map(instant),
                deleted_at: row.try_get::<Option<i64>, _>("deleted_at")?.map(instant),
            });
        }
        if let Some(poll) = polls.last_mut() {
            poll.options.extend(label);
        }
    }
    Ok(polls)
}

/// Reads all votes with one query, which returns one row per choice.
pub(super) async fn votes(pool: &db::Pool, user: UserId) -> Result<Vec<Vote>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT votes.id, votes.poll_id, question, cast_at, changed_at, label FROM votes
         JOIN polls ON polls.id = votes.poll_id
         LEFT JOIN vote_choices ON vote_id = votes.id
         LEFT JOIN poll_options ON poll_options.poll_id = votes.poll_id
                               AND poll_options.position = vote_choices.position
         WHERE votes.user_id = $1 ORDER BY cast_at, votes.id, vote_choices.position",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    let mut votes: Vec<Vote> = Vec::new();
    for row in &rows {
        let id = uuid(row, "id")?;
        let label: Option<String> = row.try_get("label")?;
        if votes.last().is_none_or(|vote| vote.id != id) {
            votes.push(Vote {
                id,
                poll: uuid(row, "poll_id")?,
                question: row.try_get("question")?,
                choices: Vec::new(),
                cast_at: instant(row.try_get("cast_at")?),
                changed_at: instant(row.try_get("changed_at")?),
            });
        }
        if let Some(vote) = votes.last_mut() {
            vote.choices.extend(label);
        }
    }
    Ok(votes)
}

fn uuid(row: &AnyRow, column: &str) -> Result<Uuid, sqlx::Error> {
    let text: String = row.try_get(column)?;
    Uuid::parse_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))
}
