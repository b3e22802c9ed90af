//! Reads the inbox: for operations, and the webhooks about one invoice.

use db::Db;
use queue::{COUNT_LIMIT, QueueCounts};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{INBOX, InboxState};
use crate::billing::mapping::invoice_of;
use crate::billing::payload::StripeEvent;

/// A webhook as operations show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Stripe's event ID.
    pub event_id: String,
    /// Stripe's customer, or the event's own lane if the event names no customer.
    pub lane: String,
    /// Stripe's event type.
    pub event_type: String,
    /// The body as received, until it is pruned.
    pub payload: Option<String>,
    /// When it was received, in ms since the epoch.
    pub received_ms: i64,
    /// Its state.
    pub state: InboxState,
    /// Attempts so far.
    pub attempts: i64,
    /// Time of the next attempt, in ms since the epoch.
    pub next_attempt_ms: i64,
    /// Number of new events that it produced.
    pub events: Option<i64>,
    /// Why it was parked.
    pub parked_reason: Option<String>,
    /// The last error.
    pub last_error: Option<String>,
}

/// Webhooks by state, at most [`COUNT_LIMIT`] each; one more means that there are more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCounts {
    /// To be applied.
    pub pending: i64,
    /// Applied, including pruned ones.
    pub applied: i64,
    /// Parked.
    pub parked: i64,
    /// When the oldest pending webhook was received, in ms since the epoch.
    pub oldest_pending_ms: Option<i64>,
}

/// The newest webhooks. Of one state: those that came into it last.
pub(in crate::billing::inbox) async fn newest(
    pool: &db::Pool,
    state: Option<InboxState>,
    most: i64,
) -> Result<Vec<InboxRow>, sqlx::Error> {
    let rows = sqlx::query(AssertSqlSafe(newest_sql(state)))
        .bind(most)
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

/// The rows are at the end of an index.
pub(in crate::billing::inbox) fn newest_sql(state: Option<InboxState>) -> String {
    let order = match state {
        None => "ORDER BY sequence DESC",
        Some(InboxState::Pending) => "WHERE state = 'pending' ORDER BY sequence DESC",
        Some(InboxState::Applied) => "WHERE state = 'applied' ORDER BY applied_ms DESC, sequence DESC",
        Some(InboxState::Parked) => "WHERE state = 'parked' ORDER BY parked_ms DESC, sequence DESC",
    };
    format!(
        "SELECT event_id, lane, event_type, payload, enqueued_ms, state, attempts, next_attempt_ms, events,
                parked_reason, last_error
         FROM stripe_inbox {order} LIMIT $1"
    )
}

fn read(row: &AnyRow) -> Result<InboxRow, sqlx::Error> {
    Ok(InboxRow {
        event_id: row.try_get("event_id")?,
        lane: row.try_get("lane")?,
        event_type: row.try_get("event_type")?,
        payload: row.try_get("payload")?,
        received_ms: row.try_get("enqueued_ms")?,
        state: InboxState::parse(row.try_get("state")?),
        attempts: row.try_get("attempts")?,
        next_attempt_ms: row.try_get("next_attempt_ms")?,
        events: row.try_get("events")?,
        parked_reason: row.try_get("parked_reason")?,
        last_error: row.try_get("last_error")?,
    })
}

pub(in crate::billing::inbox) async fn counts(db: &Db) -> Result<InboxCounts, sqlx::Error> {
    let QueueCounts {
        pending,
        parked,
        oldest_pending_ms,
        ..
    } = INBOX.counts(db).await?;
    let applied = sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT 1 FROM stripe_inbox WHERE state = 'applied' LIMIT $1) AS applied",
    );
    Ok(InboxCounts {
        pending,
        applied: applied.bind(COUNT_LIMIT + 1).fetch_one(db.pool()).await?,
        parked,
        oldest_pending_ms,
    })
}

/// The customer's received webhooks that report this invoice as paid, or the change that made it, oldest first. Applied
/// webhooks count as long as their payload is kept.
pub(in crate::billing::inbox) async fn webhooks_about(
    connection: &mut db::Connection,
    lane: &str,
    invoice: &str,
) -> Result<Vec<StripeEvent>, sqlx::Error> {
    let payloads: Vec<String> = sqlx::query_scalar(
        "SELECT payload FROM stripe_inbox
         WHERE lane = $1 AND payload LIKE $2 AND event_type IN
            ('invoice.paid', 'customer.subscription.updated', 'customer.subscription.resumed')
         ORDER BY sequence",
    )
    .bind(lane)
    .bind(format!("%\"{invoice}\"%"))
    .fetch_all(connection)
    .await?;
    let events = payloads
        .iter()
        .filter_map(|payload| StripeEvent::parse(payload).ok());
    Ok(events
        .filter(|event| invoice_of(event) == Some(invoice))
        .collect())
}
