//! What arrived: the raw log of deliveries, and the events that were refused. Both forget their oldest rows.

use serde_json::{Value, json};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use crate::{answer::EventIds, times};

/// What became of one arrival of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// The insert ID was known on this device.
    Duplicate,
    /// At fault, or part of a request that was.
    Refused,
    /// Nothing wrong with it, but another event of its request was refused.
    Withheld,
    /// Met a fault switch; not taken.
    Fault,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
            Self::Withheld => "withheld",
            Self::Fault => "fault",
        }
    }
}

/// The request that deliveries came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) received_ms: i64,
    pub(crate) path: &'static str,
    /// The status that was answered; `None`: never answered.
    pub(crate) answered: Option<u16>,
}

/// Rows of one INSERT: SQLite binds at most 32,766 values.
const CHUNK: usize = 1000;

/// Deliveries between two looks for old ones.
const TRIM_EVERY: i64 = 1000;

/// Writes deliveries down and, now and then, drops those beyond `keep`.
pub(crate) async fn deliveries(
    connection: &mut SqliteConnection,
    arrival: Arrival,
    rows: &[(EventIds, Outcome)],
    keep: i64,
) -> Result<(), sqlx::Error> {
    for chunk in rows.chunks(CHUNK) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO deliveries (received_at, path, user_id, device_id, insert_id, event_type, outcome, answered) ",
        );
        insert.push_values(chunk, |mut row, (ids, outcome)| {
            row.push_bind(arrival.received_ms)
                .push_bind(arrival.path)
                .push_bind(ids.user_id.as_deref())
                .push_bind(ids.device_id.as_deref())
                .push_bind(ids.insert_id.as_deref())
                .push_bind(ids.event_type.as_deref())
                .push_bind(outcome.as_str())
                .push_bind(arrival.answered.map(i64::from));
        });
        let last = insert
            .build()
            .execute(&mut *connection)
            .await?
            .last_insert_rowid();
        let written = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        if last % TRIM_EVERY < written {
            sqlx::query("DELETE FROM deliveries WHERE id <= $1")
                .bind(last - keep)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Writes one refused event (or request) down and drops those beyond `keep`.
pub(crate) async fn refused(
    connection: &mut SqliteConnection,
    sequence: i64,
    ids: &EventIds,
    received_ms: i64,
    body: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO refused (sequence, user_id, device_id, received_at, body) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(sequence)
    .bind(&ids.user_id)
    .bind(&ids.device_id)
    .bind(received_ms)
    .bind(body.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Drops the oldest refused events beyond `keep`.
pub(crate) async fn trim_refused(connection: &mut SqliteConnection, keep: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM refused WHERE sequence <=
           (SELECT sequence FROM refused ORDER BY sequence DESC LIMIT 1 OFFSET $1)",
    )
    .bind(keep)
    .execute(connection)
    .await?;
    Ok(())
}

/// Refused events as JSON, newest first.
pub(crate) async fn recently_refused(pool: &SqlitePool, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT body FROM refused ORDER BY sequence DESC LIMIT $1")
        .bind(limit)
        .fetch_all(pool)
        .await
}

/// Deliveries, oldest first, after row `after`.
pub(crate) async fn delivered(
    pool: &SqlitePool,
    insert_id: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<Value>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM deliveries WHERE id > ");
    query.push_bind(after);
    if let Some(insert_id) = insert_id {
        query.push(" AND insert_id = ").push_bind(insert_id);
    }
    query.push(" ORDER BY id LIMIT ").push_bind(limit);
    let rows = query.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(json!({
                "id": row.try_get::<i64, _>("id")?,
                "received_at": times::exported(row.try_get("received_at")?),
                "path": row.try_get::<String, _>("path")?,
                "user_id": row.try_get::<Option<String>, _>("user_id")?,
                "device_id": row.try_get::<Option<String>, _>("device_id")?,
                "insert_id": row.try_get::<Option<String>, _>("insert_id")?,
                "event_type": row.try_get::<Option<String>, _>("event_type")?,
                "outcome": row.try_get::<String, _>("outcome")?,
                "answered": row.try_get::<Option<i64>, _>("answered")?,
            }))
        })
        .collect()
}
