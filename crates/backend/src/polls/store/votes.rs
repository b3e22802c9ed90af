//! SQL of votes and results.

use sqlx::{AssertSqlSafe, Row};
use tracking::UserId;
use uuid::Uuid;

use super::{COLUMNS, number, owner_of, poll_of, uuid};
use crate::polls::{CastVote, Results, Voter};

/// Poll results with the poll's owner.
pub(in crate::polls) struct PollResultsRecord {
    pub owner: UserId,
    pub results: Results,
}

/// Returns the poll and its counts. One query, so that they are consistent.
pub(in crate::polls) async fn results(
    connection: &mut db::Connection,
    id: Uuid,
) -> Result<Option<PollResultsRecord>, sqlx::Error> {
    // Only our own column names are interpolated.
    let select = AssertSqlSafe(format!(
        "SELECT {COLUMNS}, polls.changes, poll_options.label, COALESCE(chosen.times, 0) AS times
         FROM polls
         JOIN poll_options ON poll_options.poll_id = polls.id
         LEFT JOIN (
             SELECT vote_choices.position, COUNT(*) AS times
             FROM votes JOIN vote_choices ON vote_choices.vote_id = votes.id
             WHERE votes.poll_id = $1 GROUP BY vote_choices.position
         ) AS chosen ON chosen.position = poll_options.position
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
    let mut counts = Vec::with_capacity(rows.len());
    for row in &rows {
        poll.options.push(row.try_get("label")?);
        counts.push(number(row.try_get("times")?));
    }
    Ok(Some(PollResultsRecord {
        owner: owner_of(first)?,
        results: Results {
            changes: first.try_get("changes")?,
            poll,
            counts,
        },
    }))
}

/// The revision of a poll increases with every change of the poll or its votes.
pub(in crate::polls) const REVISIONS: &str = "SELECT id, changes FROM polls WHERE id IN ({keys})";

pub(in crate::polls) async fn vote_of(
    connection: &mut db::Connection,
    poll: Uuid,
    voter: &Voter,
) -> Result<Option<CastVote>, sqlx::Error> {
    let (user, token) = columns(voter);
    let rows = sqlx::query(
        "SELECT votes.id, votes.changes, vote_choices.position
         FROM votes JOIN vote_choices ON vote_choices.vote_id = votes.id
         WHERE votes.poll_id = $1 AND (votes.user_id = $2 OR votes.token_hash = $3)
         ORDER BY vote_choices.position",
    )
    .bind(poll.to_string())
    .bind(user)
    .bind(token)
    .fetch_all(connection)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let choice = |row: &sqlx::any::AnyRow| {
        let position: i64 = row.try_get("position")?;
        u8::try_from(position).map_err(|error| sqlx::Error::Decode(error.into()))
    };
    Ok(Some(CastVote {
        vote: uuid(&first.try_get::<String, _>("id")?)?,
        changes: first.try_get("changes")?,
        choices: rows.iter().map(choice).collect::<Result<_, _>>()?,
    }))
}

pub(in crate::polls) async fn insert_vote(
    connection: &mut db::Connection,
    poll: Uuid,
    voter: &Voter,
    cast: &CastVote,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let (user, token) = columns(voter);
    sqlx::query(
        "INSERT INTO votes (id, poll_id, user_id, token_hash, cast_at, changed_at) VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(cast.vote.to_string())
    .bind(poll.to_string())
    .bind(user)
    .bind(token)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts a change of the vote and deletes its choices. The caller inserts the new ones.
pub(in crate::polls) async fn change_vote(
    connection: &mut db::Connection,
    cast: &CastVote,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE votes SET changes = $2, changed_at = $3 WHERE id = $1")
        .bind(cast.vote.to_string())
        .bind(cast.changes)
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM vote_choices WHERE vote_id = $1")
        .bind(cast.vote.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::polls) async fn insert_choices(
    connection: &mut db::Connection,
    cast: &CastVote,
) -> Result<(), sqlx::Error> {
    let rows: Vec<String> = cast
        .choices
        .iter()
        .map(|position| format!("($1, {position})"))
        .collect();
    // Only numbers are interpolated.
    let insert = AssertSqlSafe(format!(
        "INSERT INTO vote_choices (vote_id, position) VALUES {}",
        rows.join(", ")
    ));
    sqlx::query(insert)
        .bind(cast.vote.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the IDs of the polls with a vote of this token, in ID order.
pub(in crate::polls) async fn polls_voted_on(
    connection: &mut db::Connection,
    token_hash: &str,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT poll_id FROM votes WHERE token_hash = $1 ORDER BY poll_id")
            .bind(token_hash)
            .fetch_all(connection)
            .await?;
    ids.iter().map(|id| uuid(id)).collect()
}

/// Transfers the browser's vote to the account. If the account has already voted, deletes the browser's vote.
pub(in crate::polls) async fn transfer_vote(
    connection: &mut db::Connection,
    poll: Uuid,
    token_hash: &str,
    user: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM votes WHERE poll_id = $1 AND token_hash = $2
         AND EXISTS (SELECT 1 FROM votes AS own WHERE own.poll_id = $1 AND own.user_id = $3)",
    )
    .bind(poll.to_string())
    .bind(token_hash)
    .bind(user.to_string())
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE votes SET user_id = $3, token_hash = NULL WHERE poll_id = $1 AND token_hash = $2")
        .bind(poll.to_string())
        .bind(token_hash)
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// The values of `user_id` and `token_hash`, of which exactly one is set.
fn columns(voter: &Voter) -> (Option<String>, Option<String>) {
    match voter {
        Voter::Account(user) => (Some(user.to_string()), None),
        Voter::Token(token) => (None, Some(token.hash())),
    }
}
