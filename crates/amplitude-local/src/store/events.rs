//! Accepted events: writes.

use sqlx::SqliteConnection;

use crate::attribution::AmplitudeId;

/// A row of `events`.
pub(crate) struct EventRow<'a> {
    pub(crate) sequence: i64,
    pub(crate) person: AmplitudeId,
    pub(crate) event_type: &'a str,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) device_id: &'a str,
    pub(crate) insert_id: Option<&'a str>,
    pub(crate) session_id: Option<i64>,
    pub(crate) event_ms: i64,
    pub(crate) received_ms: i64,
    /// The exported event as JSON.
    pub(crate) body: String,
}

/// Whether an event with this device ID and insert ID was received after `since_ms`.
pub(crate) async fn is_duplicate(
    connection: &mut SqliteConnection,
    device_id: &str,
    insert_id: &str,
    since_ms: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM events WHERE insert_id = $1 AND device_id = $2 AND received_at > $3)",
    )
    .bind(insert_id)
    .bind(device_id)
    .bind(since_ms)
    .fetch_one(connection)
    .await
}

pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    event: EventRow<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO events (sequence, person, event_type, user_id, device_id, insert_id, session_id,
                             event_time, received_at, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(event.sequence)
    .bind(event.person)
    .bind(event.event_type)
    .bind(event.user_id)
    .bind(event.device_id)
    .bind(event.insert_id)
    .bind(event.session_id)
    .bind(event.event_ms)
    .bind(event.received_ms)
    .bind(event.body)
    .execute(connection)
    .await?;
    Ok(())
}
