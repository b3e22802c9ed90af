//! Writes an event in the transaction of the change that it reports.

use db::{Connection, Statement};
use tracking::ServerEvent;

use super::OUTBOX;

/// Whether the event is new to the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// The event is new. It is sent after the transaction commits.
    New,
    /// An event with this insert ID already exists, in any state: the handler ran again.
    Duplicate,
}

/// Returns the statements that write a new event in the caller's transaction, for a transaction that executes several
/// statements together. `now_ms` is the time of writing (ms since the epoch), not of the event.
///
/// # Errors
/// When the event cannot be serialized.
pub fn insert_statements(event: &ServerEvent, now_ms: i64) -> Result<[Statement; 2], sqlx::Error> {
    let lane = event.user().to_string();
    let row = insert_row(event, &lane, now_ms)?;
    Ok(OUTBOX.insert_statements(&lane, row, now_ms))
}

/// Writes `event` in the caller's transaction, with the exact payload that will be sent. `now_ms` is the time of
/// writing (ms since the epoch), not of the event.
///
/// It locks the user's lane until the transaction ends, so that a user's rows are numbered in commit order. A
/// transaction with events of several users should enqueue them in the order of the user IDs, to avoid deadlocks.
///
/// # Errors
/// When the database fails. The caller must roll back the transaction.
pub async fn enqueue(
    connection: &mut Connection,
    event: &ServerEvent,
    now_ms: i64,
) -> Result<Enqueued, sqlx::Error> {
    let lane = event.user().to_string();
    let row = insert_row(event, &lane, now_ms)?;
    Ok(match OUTBOX.insert(connection, &lane, row, now_ms).await? {
        true => Enqueued::New,
        false => Enqueued::Duplicate,
    })
}

fn insert_row(event: &ServerEvent, lane: &str, now_ms: i64) -> Result<Statement, sqlx::Error> {
    let payload =
        serde_json::to_string(&event.wire()).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    Ok(Statement::new(
        "INSERT INTO outbox (insert_id, lane, device_id, event_type, time_ms, payload, next_attempt_ms, enqueued_ms,
                             trace_parent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
         ON CONFLICT (insert_id) DO NOTHING",
    )
    .bind(event.insert_id().as_str())
    .bind(lane)
    .bind(event.device().map(|device| device.as_str().to_owned()))
    .bind(event.name())
    .bind(event.time_ms())
    .bind(payload)
    .bind(now_ms)
    .bind(queue::trace_parent()))
}
