//! SQL of the webhook inbox: `lanes` says whose turn it is, the rest is here.

mod lanes;
#[cfg(test)]
mod tests;

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use lanes::enter;
pub(super) use lanes::{Lease, due as due_lanes, hold, leave, prolong, take};

/// A webhook at the door.
pub(super) struct Arrived<'a> {
    pub(super) event_id: &'a str,
    pub(super) lane: &'a str,
    pub(super) event_type: &'a str,
    /// `None`: it is about somebody who left, and there is nothing to apply.
    pub(super) payload: Option<&'a str>,
    pub(super) now_ms: i64,
    /// Otherwise there is nothing to apply.
    pub(super) pending: bool,
}

/// A webhook that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) payload: String,
    /// Attempts, the coming one included.
    pub(super) attempts: i64,
}

/// Where a webhook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxState {
    /// To be applied.
    Pending,
    /// Applied.
    Applied,
    /// Set aside until somebody replays it.
    Parked,
}

impl InboxState {
    /// As it stands in the table.
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

/// A webhook in operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Stripe's event ID.
    pub event_id: String,
    /// Stripe's customer, or the event itself if it names none.
    pub lane: String,
    /// Stripe's type.
    pub event_type: String,
    /// As it came, until it is pruned.
    pub payload: Option<String>,
    /// When it came, in ms since the epoch.
    pub received_ms: i64,
    /// Where it stands.
    pub state: InboxState,
    /// How often it was tried in vain.
    pub attempts: i64,
    /// When it is tried next, in ms since the epoch.
    pub next_attempt_ms: i64,
    /// How many events it became.
    pub events: Option<i64>,
    /// Why it was parked.
    pub parked_reason: Option<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// How the inbox stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be applied.
    pub pending: i64,
    /// Applied, pruned ones included.
    pub applied: i64,
    /// Set aside.
    pub parked: i64,
    /// When the oldest pending one came, in ms since the epoch.
    pub oldest_pending_ms: Option<i64>,
}

/// `false`: it has come before.
pub(super) async fn insert(
    connection: &mut db::Connection,
    arrived: &Arrived<'_>,
) -> Result<bool, sqlx::Error> {
    enter(connection, arrived.lane).await?;
    let state = if arrived.pending {
        InboxState::Pending
    } else {
        InboxState::Applied
    };
    let settled = (!arrived.pending).then_some(arrived.now_ms);
    let inserted = sqlx::query(
        "INSERT INTO stripe_inbox (event_id, lane, event_type, payload, received_ms, state, next_attempt_ms,
                                   settled_ms, events)
         VALUES ($1, $2, $3, $4, $5, $6, $5, $7, $8) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(arrived.event_id)
    .bind(arrived.lane)
    .bind(arrived.event_type)
    .bind(arrived.payload)
    .bind(arrived.now_ms)
    .bind(state.as_str())
    .bind(settled)
    .bind(settled.map(|_| 0_i64))
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// What is due in a lane, as it came.
pub(super) async fn due(
    pool: &AnyPool,
    lane: &str,
    now_ms: i64,
    most: i64,
) -> Result<Vec<Pending>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT event_id, event_type, payload, attempts FROM stripe_inbox
         WHERE lane = $1 AND state = 'pending' AND next_attempt_ms <= $2
         ORDER BY received_ms, event_id LIMIT $3",
    )
    .bind(lane)
    .bind(now_ms)
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Pending {
                event_id: row.try_get("event_id")?,
                event_type: row.try_get("event_type")?,
                payload: row.try_get("payload")?,
                attempts: row.try_get::<i64, _>("attempts")? + 1,
            })
        })
        .collect()
}

/// `false`: it was applied before.
pub(super) async fn applied(
    connection: &mut db::Connection,
    event_id: &str,
    events: usize,
    keep_payload: bool,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE stripe_inbox SET state = 'applied', settled_ms = $2, events = $3, attempts = attempts + 1,
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

/// Later again.
pub(super) async fn retry(
    connection: &mut db::Connection,
    event_id: &str,
    at_ms: i64,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_inbox SET next_attempt_ms = $2, attempts = attempts + 1, last_error = $3
         WHERE event_id = $1 AND state = 'pending'",
    )
    .bind(event_id)
    .bind(at_ms)
    .bind(error)
    .execute(connection)
    .await?;
    Ok(())
}

/// Not again until somebody says so.
pub(super) async fn park(
    connection: &mut db::Connection,
    event_id: &str,
    reason: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_inbox SET state = 'parked', settled_ms = $2, attempts = attempts + 1, parked_reason = $3
         WHERE event_id = $1 AND state = 'pending'",
    )
    .bind(event_id)
    .bind(now_ms)
    .bind(reason)
    .execute(connection)
    .await?;
    Ok(())
}

/// Into the lane of the customer whom it turned out to be about.
pub(super) async fn change_lane(
    connection: &mut db::Connection,
    event_id: &str,
    lane: &str,
) -> Result<(), sqlx::Error> {
    enter(connection, lane).await?;
    sqlx::query("UPDATE stripe_inbox SET lane = $2 WHERE event_id = $1 AND state = 'pending'")
        .bind(event_id)
        .bind(lane)
        .execute(connection)
        .await?;
    Ok(())
}

/// `false`: it is not parked.
pub(super) async fn replay(
    connection: &mut db::Connection,
    event_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE stripe_inbox SET state = 'pending', settled_ms = NULL, parked_reason = NULL, attempts = 0,
                next_attempt_ms = $2
         WHERE event_id = $1 AND state = 'parked'",
    )
    .bind(event_id)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn newest(
    pool: &AnyPool,
    state: Option<InboxState>,
    most: i64,
) -> Result<Vec<InboxRow>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT event_id, lane, event_type, payload, received_ms, state, attempts, next_attempt_ms, events,
                parked_reason, last_error
         FROM stripe_inbox WHERE $1 IS NULL OR state = $1 ORDER BY received_ms DESC, event_id DESC LIMIT $2",
    )
    .bind(state.map(InboxState::as_str))
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<InboxRow, sqlx::Error> {
    Ok(InboxRow {
        event_id: row.try_get("event_id")?,
        lane: row.try_get("lane")?,
        event_type: row.try_get("event_type")?,
        payload: row.try_get("payload")?,
        received_ms: row.try_get("received_ms")?,
        state: InboxState::parse(row.try_get("state")?),
        attempts: row.try_get("attempts")?,
        next_attempt_ms: row.try_get("next_attempt_ms")?,
        events: row.try_get("events")?,
        parked_reason: row.try_get("parked_reason")?,
        last_error: row.try_get("last_error")?,
    })
}

pub(super) async fn counts(pool: &AnyPool) -> Result<Counts, sqlx::Error> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT state, COUNT(*), MIN(received_ms) FROM stripe_inbox GROUP BY state")
            .fetch_all(pool)
            .await?;
    let mut counts = Counts::default();
    for (state, rows, oldest_ms) in rows {
        match InboxState::parse(&state) {
            InboxState::Pending => {
                counts.pending = rows;
                counts.oldest_pending_ms = Some(oldest_ms);
            }
            InboxState::Applied => counts.applied = rows,
            InboxState::Parked => counts.parked = rows,
        }
    }
    Ok(counts)
}

pub(super) async fn prune(pool: &AnyPool, before_ms: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE stripe_inbox SET payload = NULL
         WHERE state = 'applied' AND payload IS NOT NULL AND settled_ms < $1",
    )
    .bind(before_ms)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
