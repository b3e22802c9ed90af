//! SQL of polls.

use sqlx::{AnyPool, AssertSqlSafe, Row};
use tracking::UserId;
use uuid::Uuid;

use super::Poll;

/// `false`: this form has made a poll already.
pub(super) async fn insert(
    connection: &mut db::Connection,
    owner: UserId,
    poll: &Poll,
    form: Uuid,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO polls (id, user_id, question, multiple_choice, created_at, form_id)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, form_id) DO NOTHING",
    )
    .bind(poll.id.to_string())
    .bind(owner.to_string())
    .bind(&poll.question)
    .bind(i64::from(poll.multiple_choice))
    .bind(poll.created_at)
    .bind(form.to_string())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn made_by(
    connection: &mut db::Connection,
    owner: UserId,
    form: Uuid,
) -> Result<Uuid, sqlx::Error> {
    let id: String = sqlx::query_scalar("SELECT id FROM polls WHERE user_id = $1 AND form_id = $2")
        .bind(owner.to_string())
        .bind(form.to_string())
        .fetch_one(connection)
        .await?;
    uuid(&id)
}

pub(super) async fn insert_options(
    connection: &mut db::Connection,
    poll: Uuid,
    options: &[String],
) -> Result<(), sqlx::Error> {
    // By hand: the query builder of `Any` writes SQLite's placeholders, which Postgres does not know.
    let rows: Vec<String> = (0..options.len())
        .map(|position| format!("($1, {position}, ${})", position + 2))
        .collect();
    let insert = format!(
        "INSERT INTO poll_options (poll_id, position, label) VALUES {}",
        rows.join(", ")
    );
    // Numbers of our own are all that was written into it.
    let mut query = sqlx::query(AssertSqlSafe(insert)).bind(poll.to_string());
    for label in options {
        query = query.bind(label);
    }
    query.execute(connection).await?;
    Ok(())
}

/// Newest first, each with its options: one query.
pub(super) async fn by_owner(pool: &AnyPool, owner: UserId, limit: i64) -> Result<Vec<Poll>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT mine.id, mine.question, mine.multiple_choice, mine.created_at, poll_options.label
         FROM (SELECT * FROM polls WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2) AS mine
         JOIN poll_options ON poll_options.poll_id = mine.id
         ORDER BY mine.created_at DESC, mine.id DESC, poll_options.position",
    )
    .bind(owner.to_string())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    let mut polls: Vec<Poll> = Vec::new();
    for row in rows {
        let id = uuid(&row.try_get::<String, _>("id")?)?;
        let label: String = row.try_get("label")?;
        match polls.last_mut().filter(|poll| poll.id == id) {
            Some(poll) => poll.options.push(label),
            None => polls.push(Poll {
                id,
                question: row.try_get("question")?,
                options: vec![label],
                multiple_choice: row.try_get::<i64, _>("multiple_choice")? == 1,
                created_at: row.try_get("created_at")?,
            }),
        }
    }
    Ok(polls)
}

fn uuid(text: &str) -> Result<Uuid, sqlx::Error> {
    Uuid::parse_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
