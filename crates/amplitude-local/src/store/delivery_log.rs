//! The delivery log (every delivery of every event) and the log of refused events. Both drop their oldest rows.

use serde_json::{Value, json};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use crate::{response::EventIds, times};

/// The outcome of one delivery of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoggedOutcome {
    Accepted,
    /// An event with the same device ID and insert ID is stored.
    Duplicate,
    /// The event or its request is invalid.
    Refused,
    /// The event is valid, but another event of its request is not.
    Withheld,
    /// A fault switch affected the request; the event is not stored.
    Fault,
}

impl LoggedOutcome {
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

/// The request that delivered events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryRequest {
    pub(crate) received_ms: i64,
    pub(crate) path: &'static str,
    /// The status of the response; `None`: no response was sent.
    pub(crate) response_status: Option<u16>,
}

/// Rows of one INSERT. SQLite binds at most 32,766 values.
const INSERT_ROWS: usize = 1000;

/// Deliveries between two deletions of old rows.
const TRIM_INTERVAL: i64 = 1000;

/// Inserts deliveries. After every `TRIM_INTERVAL` rows it deletes all but the newest `max_rows`.
pub(crate) async fn insert_deliveries(
    connection: &mut SqliteConnection,
    request: DeliveryRequest,
    rows: &[(EventIds, LoggedOutcome)],
    max_rows: i64,
) -> Result<(), sqlx::Error> {
    for chunk in rows.chunks(INSERT_ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO deliveries (received_at, path, user_id, device_id, insert_id, event_type, outcome, answered) ",
        );
        insert.push_values(chunk, |mut row, (ids, outcome)| {
            row.push_bind(request.received_ms)
                .push_bind(request.path)
                .push_bind(ids.user_id.as_deref())
                .push_bind(ids.device_id.as_deref())
                .push_bind(ids.insert_id.as_deref())
                .push_bind(ids.event_type.as_deref())
                .push_bind(outcome.as_str())
                .push_bind(request.response_status.map(i64::from));
        });
        let last = insert
            .build()
            .execute(&mut *connection)
            .await?
            .last_insert_rowid();
        let written = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        if last % TRIM_INTERVAL < written {
            sqlx::query("DELETE FROM deliveries WHERE id <= $1")
                .bind(last - max_rows)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Inserts one refused event or request.
pub(crate) async fn insert_refused(
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

/// Deletes all refused events but the newest `max_rows`.
pub(crate) async fn trim_refused(
    connection: &mut SqliteConnection,
    max_rows: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM refused WHERE sequence <=
           (SELECT sequence FROM refused ORDER BY sequence DESC LIMIT 1 OFFSET $1)",
    )
    .bind(max_rows)
    .execute(connection)
    .await?;
    Ok(())
}

/// Refused events and requests as JSON, newest first.
pub(crate) async fn recently_refused(pool: &SqlitePool, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT body FROM refused ORDER BY sequence DESC LIMIT $1")
        .bind(limit)
        .fetch_all(pool)
        .await
}

/// Deliveries with an ID greater than `after`, oldest first.
pub(crate) async fn deliveries(
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
                "received_at": times::format_time(row.try_get("received_at")?),
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
