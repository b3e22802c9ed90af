//! All SQL of this crate: the columns of the table `outbox` that are its own. The queue's columns and the table
//! `outbox_lanes` belong to `queue`.

mod enqueue;
mod maintenance;
mod queries;
#[cfg(test)]
mod tests;

pub use enqueue::{Enqueued, enqueue, insert_statements};
pub use maintenance::{PARKED_KEEP_DAYS, ReplayOutcome, delete_unsent, park_unsent, prune, replay};
pub use queries::{
    OutboxCounts, OutboxEntry, OutboxState, counts, events_of, parked, read_entries, recent_users,
    undelivered_of,
};

use queue::Queue;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::OutboundEvent;

/// The queue of events. The lane is the user. A sent row keeps what deduplication and the pages need: no payload and no
/// device.
pub(crate) const OUTBOX: Queue = Queue {
    table: "outbox",
    columns: "queued.insert_id, queued.device_id, queued.event_type, queued.payload, queued.trace_parent",
    on_done: "sent_ms = $1, payload = NULL, device_id = NULL",
    on_parked: "",
};

/// The final state of a row.
pub(crate) const SENT: &str = "sent";

/// Reads the event of a claimed row.
pub(crate) fn read_event(row: &AnyRow) -> Result<OutboundEvent, sqlx::Error> {
    Ok(OutboundEvent {
        user_id: row.try_get("lane")?,
        insert_id: row.try_get("insert_id")?,
        device_id: row.try_get("device_id")?,
        event_type: row.try_get("event_type")?,
        payload: row.try_get("payload")?,
        trace_parent: row.try_get("trace_parent")?,
    })
}
