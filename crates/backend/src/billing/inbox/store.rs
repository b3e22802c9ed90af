//! SQL of the webhook inbox.
//!
//! The claim is a conditional update of the lane's row, the same on both engines: whoever finds the lease free takes it.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

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

/// A lane that is ours until its lease ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease<'a> {
    pub(super) lane: &'a str,
    pub(super) owner: &'a str,
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
    enter_lane(connection, arrived.lane).await?;
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

async fn enter_lane(connection: &mut db::Connection, lane: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO stripe_lanes (lane) VALUES ($1) ON CONFLICT (lane) DO NOTHING")
        .bind(lane)
        .execute(connection)
        .await?;
    Ok(())
}

/// Lanes with something due that nobody is at, longest waiting first.
pub(super) async fn due_lanes(pool: &AnyPool, now_ms: i64, most: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT inbox.lane FROM stripe_inbox AS inbox JOIN stripe_lanes AS lanes ON lanes.lane = inbox.lane
         WHERE inbox.state = 'pending' AND inbox.next_attempt_ms <= $1
           AND (lanes.lease_until_ms IS NULL OR lanes.lease_until_ms <= $1)
         GROUP BY inbox.lane ORDER BY MIN(inbox.next_attempt_ms) LIMIT $2",
    )
    .bind(now_ms)
    .bind(most)
    .fetch_all(pool)
    .await
}

/// Takes the lane, or keeps it for longer. `false`: somebody else has it.
pub(super) async fn take(
    connection: &mut db::Connection,
    lease: Lease<'_>,
    now_ms: i64,
    until_ms: i64,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query(
        "UPDATE stripe_lanes SET lease_owner = $2, lease_until_ms = $3
         WHERE lane = $1 AND (lease_until_ms IS NULL OR lease_until_ms <= $4 OR lease_owner = $2)",
    )
    .bind(lease.lane)
    .bind(lease.owner)
    .bind(until_ms)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Keeps the lane for longer, if it is still ours.
pub(super) async fn prolong(
    connection: &mut db::Connection,
    lease: Lease<'_>,
    now_ms: i64,
    until_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_lanes SET lease_until_ms = $3
         WHERE lane = $1 AND lease_owner = $2 AND lease_until_ms > $4",
    )
    .bind(lease.lane)
    .bind(lease.owner)
    .bind(until_ms)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives the lane back.
pub(super) async fn leave(connection: &mut db::Connection, lease: Lease<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_lanes SET lease_owner = NULL, lease_until_ms = NULL WHERE lane = $1 AND lease_owner = $2",
    )
    .bind(lease.lane)
    .bind(lease.owner)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the lane is still ours, and locks it until the transaction ends: what was fetched under a lease that ran out
/// may be older than what somebody else wrote meanwhile.
pub(super) async fn hold(
    connection: &mut db::Connection,
    lease: Lease<'_>,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let held = sqlx::query(
        "UPDATE stripe_lanes SET lease_owner = lease_owner
         WHERE lane = $1 AND lease_owner = $2 AND lease_until_ms > $3",
    )
    .bind(lease.lane)
    .bind(lease.owner)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(held.rows_affected() == 1)
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
    enter_lane(connection, lane).await?;
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
