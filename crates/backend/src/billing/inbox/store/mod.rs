//! SQL of the webhook inbox: its own columns. The queue's columns and the table `stripe_inbox_lanes` belong to `queue`. The
//! submodule `listing` has the queries for operations.

mod listing;
mod ownership;

use std::collections::{BTreeSet, HashSet};

use db::Statement;
use queue::{NewRow, Queue};
use sqlx::Row;
use sqlx::any::AnyRow;

#[cfg(test)]
pub(super) use listing::newest_sql;
pub use listing::{InboxCounts, InboxRow};
pub(super) use listing::{counts, newest, webhooks_about};
pub use ownership::NotOursCount;
pub(super) use ownership::{
    account_exists, count_not_ours, customer_of_payment, has_unread_payments, is_recorded, known_customers,
    not_ours,
};

/// The queue of webhooks. The lane is Stripe's customer.
pub(super) const INBOX: Queue = Queue {
    table: "stripe_inbox",
    columns: "queued.event_id, queued.event_type, queued.payload, queued.enqueued_ms",
    on_done: "applied_ms = $1, events = COALESCE(events, 0)",
    on_parked: "",
};

/// The final state of a webhook.
pub(super) const APPLIED: &str = "applied";

/// A webhook to store.
pub(super) struct NewWebhook<'a> {
    pub(super) event_id: &'a str,
    pub(super) lane: &'a str,
    pub(super) event_type: &'a str,
    pub(super) payload: &'a str,
    pub(super) received_ms: i64,
}

/// A claimed webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PendingWebhook {
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) payload: String,
    pub(super) received_ms: i64,
}

/// State of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxState {
    /// To be applied.
    Pending,
    /// Applied.
    Applied,
    /// Parked until an operator replays it.
    Parked,
}

impl InboxState {
    /// The value of the column `state`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => APPLIED,
            Self::Parked => "parked",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            APPLIED => Self::Applied,
            "parked" => Self::Parked,
            _ => Self::Pending,
        }
    }
}

/// Reads a claimed webhook.
pub(super) fn read(row: &AnyRow) -> Result<PendingWebhook, sqlx::Error> {
    Ok(PendingWebhook {
        event_id: row.try_get("event_id")?,
        event_type: row.try_get("event_type")?,
        payload: row.try_get("payload")?,
        received_ms: row.try_get("enqueued_ms")?,
    })
}

/// Inserts webhooks at the ends of their lanes, in this order. Returns the IDs of those that were not received before.
pub(super) async fn insert(
    connection: &mut db::Connection,
    webhooks: &[NewWebhook<'_>],
) -> Result<HashSet<String>, sqlx::Error> {
    // A webhook without customer has a lane `event:…`. When it moves, that lane is locked before the customer's. The reverse
    // order of names is the same order, so the two do not wait for each other.
    let lanes: BTreeSet<&str> = webhooks.iter().map(|webhook| webhook.lane).collect();
    let lanes: Vec<&str> = lanes.into_iter().rev().collect();
    let rows = webhooks.iter().map(|webhook| {
        NewRow::new(webhook.lane, webhook.received_ms)
            .with("event_id", webhook.event_id)
            .with("event_type", webhook.event_type)
            .with("payload", webhook.payload)
            .unless_exists("event_id")
    });
    let statements = INBOX.insert_all_statements(db::engine_of(connection), &lanes, rows.collect());
    let rows = db::fetch_together(connection, statements).await?;
    let new = rows.iter().map(|row| row.try_get("event_id"));
    let new: HashSet<String> = new.collect::<Result<_, _>>()?;
    let is_new = |webhook: &&NewWebhook<'_>| new.contains(webhook.event_id);
    let with_new: HashSet<&str> = webhooks
        .iter()
        .filter(is_new)
        .map(|webhook| webhook.lane)
        .collect();
    for lane in lanes.into_iter().filter(|lane| !with_new.contains(lane)) {
        INBOX.remove_lane_if_empty(connection, lane).await?;
    }
    Ok(new)
}

/// Deletes a pending webhook. `false` if it is not pending.
pub(super) async fn delete(connection: &mut db::Connection, sequence: i64) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query("DELETE FROM stripe_inbox WHERE sequence = $1 AND state = 'pending'")
        .bind(sequence)
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Moves a pending webhook to the end of another lane, with no attempts.
pub(super) async fn change_lane(
    connection: &mut db::Connection,
    sequence: i64,
    webhook: &PendingWebhook,
    lane: &str,
) -> Result<(), sqlx::Error> {
    // Before the deletion: a request that receives the event again locks this lane first and then waits for the row.
    INBOX.lock_lane(connection, lane, webhook.received_ms).await?;
    if !delete(connection, sequence).await? {
        return INBOX.remove_lane_if_empty(connection, lane).await;
    }
    let moved = NewWebhook {
        event_id: &webhook.event_id,
        lane,
        event_type: &webhook.event_type,
        payload: &webhook.payload,
        received_ms: webhook.received_ms,
    };
    insert(connection, &[moved]).await?;
    Ok(())
}

/// Writes how many new events a webhook produced.
pub(super) fn set_events(sequence: i64, events: usize) -> Statement {
    Statement::new("UPDATE stripe_inbox SET events = $2 WHERE sequence = $1")
        .bind(sequence)
        .bind(i64::try_from(events).unwrap_or(i64::MAX))
}

/// Deletes the payload of an applied webhook.
pub(super) fn delete_payload(sequence: i64) -> Statement {
    Statement::new("UPDATE stripe_inbox SET payload = NULL WHERE sequence = $1 AND state = 'applied'")
        .bind(sequence)
}

/// Makes a parked webhook pending again. `false` if it is not parked.
pub(super) async fn replay(
    connection: &mut db::Connection,
    event_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let parked: Option<(String, i64, String)> = sqlx::query_as(
        "SELECT lane, sequence, parked_reason FROM stripe_inbox WHERE event_id = $1 AND state = 'parked'",
    )
    .bind(event_id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((lane, sequence, reason)) = parked else {
        return Ok(false);
    };
    INBOX.replay(connection, &lane, sequence, &reason, now_ms).await
}
