//! SQL of the webhook inbox. The submodule `lanes` has the leases, `listing` the queries for operations.

mod lanes;
mod listing;
mod ownership;
#[cfg(test)]
mod tests;

use sqlx::Row;

use lanes::ensure_lane;
pub(super) use lanes::{Lease, acquire, due as due_lanes, release, renew, verify};
pub use listing::{InboxCounts, InboxRow};
pub(super) use listing::{counts, newest, webhooks_about};
pub use ownership::NotOursCount;
pub(super) use ownership::{
    account_exists, count_not_ours, customer_of_payment, has_unread_payments, is_recorded, not_ours,
};

/// A webhook to store.
pub(super) struct NewWebhook<'a> {
    pub(super) event_id: &'a str,
    pub(super) lane: &'a str,
    pub(super) event_type: &'a str,
    pub(super) payload: &'a str,
    pub(super) now_ms: i64,
}

/// A due webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PendingWebhook {
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) payload: String,
    /// Number of attempts, including this one.
    pub(super) attempts: i64,
    /// Earlier attempts that panicked.
    pub(super) panics: i64,
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
            Self::Applied => "applied",
            Self::Parked => "parked",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "applied" => Self::Applied,
            "parked" => Self::Parked,
            _ => Self::Pending,
        }
    }
}

/// Inserts a webhook. `false` if it was received before.
pub(super) async fn insert(
    connection: &mut db::Connection,
    webhook: &NewWebhook<'_>,
) -> Result<bool, sqlx::Error> {
    ensure_lane(connection, webhook.lane, webhook.now_ms).await?;
    let inserted = sqlx::query(
        "INSERT INTO stripe_inbox (event_id, lane, event_type, payload, received_ms, state, next_attempt_ms)
         VALUES ($1, $2, $3, $4, $5, 'pending', $5) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(webhook.event_id)
    .bind(webhook.lane)
    .bind(webhook.event_type)
    .bind(webhook.payload)
    .bind(webhook.now_ms)
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Claims the due webhooks of a lane, in the order of arrival, and counts an attempt of each.
pub(super) async fn claim(
    connection: &mut db::Connection,
    lane: &str,
    now_ms: i64,
    most: i64,
) -> Result<Vec<PendingWebhook>, sqlx::Error> {
    let mut rows = sqlx::query(
        "UPDATE stripe_inbox SET attempts = attempts + 1 WHERE event_id IN (
            SELECT event_id FROM stripe_inbox
            WHERE lane = $1 AND state = 'pending' AND next_attempt_ms <= $2
            ORDER BY received_ms, event_id LIMIT $3)
         RETURNING event_id, event_type, payload, attempts, panics, received_ms",
    )
    .bind(lane)
    .bind(now_ms)
    .bind(most)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        let webhook = PendingWebhook {
            event_id: row.try_get("event_id")?,
            event_type: row.try_get("event_type")?,
            payload: row.try_get("payload")?,
            attempts: row.try_get("attempts")?,
            panics: row.try_get("panics")?,
        };
        Ok((row.try_get::<i64, _>("received_ms")?, webhook))
    })
    .collect::<Result<Vec<_>, sqlx::Error>>()?;
    // The order of returned rows is not defined.
    rows.sort_by(|(received, one), (other_received, other)| {
        (received, &one.event_id).cmp(&(other_received, &other.event_id))
    });
    Ok(rows.into_iter().map(|(_, webhook)| webhook).collect())
}

/// Deletes a webhook that is not ours.
pub(super) async fn delete(connection: &mut db::Connection, event_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM stripe_inbox WHERE event_id = $1 AND state = 'pending'")
        .bind(event_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks a webhook as applied. `false` if it was not pending.
pub(super) async fn applied(
    connection: &mut db::Connection,
    event_id: &str,
    events: usize,
    keep_payload: bool,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE stripe_inbox SET state = 'applied', settled_ms = $2, events = $3,
                payload = CASE WHEN $4 = 1 THEN payload ELSE NULL END
         WHERE event_id = $1 AND state = 'pending'",
    )
    .bind(event_id)
    .bind(now_ms)
    .bind(i64::try_from(events).unwrap_or(i64::MAX))
    .bind(i64::from(keep_payload))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Schedules the next attempt. `panics`: attempts that panicked so far.
pub(super) async fn retry(
    connection: &mut db::Connection,
    event_id: &str,
    at_ms: i64,
    panics: i64,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_inbox SET next_attempt_ms = $2, last_error = $3, panics = $4
         WHERE event_id = $1 AND state = 'pending'",
    )
    .bind(event_id)
    .bind(at_ms)
    .bind(error)
    .bind(panics)
    .execute(connection)
    .await?;
    Ok(())
}

/// Parks a webhook.
pub(super) async fn park(
    connection: &mut db::Connection,
    event_id: &str,
    reason: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_inbox SET state = 'parked', settled_ms = $2, parked_reason = $3
         WHERE event_id = $1 AND state = 'pending'",
    )
    .bind(event_id)
    .bind(now_ms)
    .bind(reason)
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves a webhook to the lane of its customer. The move is not an attempt.
pub(super) async fn change_lane(
    connection: &mut db::Connection,
    event_id: &str,
    lane: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    ensure_lane(connection, lane, now_ms).await?;
    let sql = "UPDATE stripe_inbox SET lane = $2, attempts = attempts - 1 WHERE event_id = $1 AND state = 'pending'";
    sqlx::query(sql)
        .bind(event_id)
        .bind(lane)
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes a parked webhook pending again. `false` if it is not parked.
pub(super) async fn replay(
    connection: &mut db::Connection,
    event_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE stripe_inbox SET state = 'pending', settled_ms = NULL, parked_reason = NULL, attempts = 0,
                panics = 0, next_attempt_ms = $2
         WHERE event_id = $1 AND state = 'parked'",
    )
    .bind(event_id)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
