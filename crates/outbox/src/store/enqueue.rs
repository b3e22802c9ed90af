//! Writes an event in the transaction of the change that it reports.

use db::{Connection, Engine, Statement};
use queue::NewRow;
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

/// The statements that write a new event in the caller's transaction, for [`db::execute_together`], at most one event in a call.
/// `now_ms` is the time of writing (ms since the epoch), not of the event.
///
/// # Errors
/// When the event cannot be serialized.
pub fn insert_statements(
    engine: Engine,
    event: &ServerEvent,
    now_ms: i64,
) -> Result<[Statement; 2], sqlx::Error> {
    Ok(OUTBOX.insert_statements(engine, row(event, now_ms)?))
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
    Ok(match OUTBOX.insert(connection, row(event, now_ms)?).await? {
        true => Enqueued::New,
        false => Enqueued::Duplicate,
    })
}

fn row(event: &ServerEvent, now_ms: i64) -> Result<NewRow, sqlx::Error> {
    let payload =
        serde_json::to_string(&event.wire()).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    Ok(NewRow::new(event.user().to_string(), now_ms)
        .with("insert_id", event.insert_id().as_str())
        .with(
            "device_id",
            event.device().map(|device| device.as_str().to_owned()),
        )
        .with("event_type", event.name())
        .with("time_ms", event.time_ms())
        .with("payload", payload)
        .with("trace_parent", queue::trace_parent())
        .unless_exists("insert_id"))
}
