//! Writing an event, inside the transaction of the change that it reports.

use db::Connection;
use tracking::ServerEvent;

/// Whether the event is new to the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It will be sent once the transaction commits.
    New,
    /// It was here before, whatever has become of it: a handler ran again.
    Already,
}

/// Writes `event` on the caller's transaction, frozen as it will stand on the wire. `now_ms` is the moment of writing
/// (ms since the epoch), not of the event.
///
/// It locks the person's lane until the transaction ends, so that the order of a person's rows is the order of their
/// commits. A transaction with events of several people should go through them in the order of their user IDs.
///
/// # Errors
/// Whatever the database says. The transaction is the caller's to roll back.
pub async fn enqueue(
    connection: &mut Connection,
    event: &ServerEvent,
    now_ms: i64,
) -> Result<Enqueued, sqlx::Error> {
    let payload =
        serde_json::to_string(&event.wire()).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let lane = event.user().to_string();
    enter_lane(connection, &lane, now_ms).await?;
    let inserted = sqlx::query(
        "INSERT INTO outbox (insert_id, lane, device_id, event_type, time_ms, payload, next_attempt_ms, enqueued_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
         ON CONFLICT (insert_id) DO NOTHING",
    )
    .bind(event.insert_id().as_str())
    .bind(lane)
    .bind(event.device().map(|device| device.as_str().to_owned()))
    .bind(event.name())
    .bind(event.time_ms())
    .bind(payload)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(if inserted.rows_affected() == 1 {
        Enqueued::New
    } else {
        Enqueued::Already
    })
}

/// Takes the lane's lock, until the transaction ends. Without it a later row could be committed, claimed and sent
/// while an earlier one is still being written.
pub(super) async fn enter_lane(
    connection: &mut Connection,
    lane: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO outbox_lanes (lane, last_enqueued_ms) VALUES ($1, $2)
         ON CONFLICT (lane) DO UPDATE SET last_enqueued_ms = excluded.last_enqueued_ms",
    )
    .bind(lane)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}
