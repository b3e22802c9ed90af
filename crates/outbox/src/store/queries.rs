//! Queries of the operations page and the timeline.

use db::{Db, Statement};
use queue::COUNT_LIMIT;
use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::UserId;

use super::{OUTBOX, SENT};

/// The state of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// The row waits to be sent or retried.
    Pending,
    /// The row is being sent, or its dispatcher crashed and the lease has not ended.
    Leased,
    /// The receiver accepted the event.
    Sent,
    /// The row was parked, with a reason.
    Parked,
}

/// The number of rows in each state, at most [`COUNT_LIMIT`] each; one more means that there are more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Rows that are neither sent nor parked, including the leased ones.
    pub pending: i64,
    /// Rows that are being sent.
    pub leased: i64,
    /// Rows that the receiver accepted.
    pub sent: i64,
    /// Rows that were parked.
    pub parked: i64,
    /// When the oldest row that is neither sent nor parked was written (ms since the epoch). The receiver drops
    /// duplicates for 7 days only.
    pub oldest_unsettled_ms: Option<i64>,
}

impl OutboxCounts {
    /// Age of the oldest unsettled row, in ms.
    pub fn lag_ms(&self, now_ms: i64) -> Option<i64> {
        self.oldest_unsettled_ms
            .map(|oldest_ms| now_ms.saturating_sub(oldest_ms).max(0))
    }
}

/// A row, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The event's insert ID. [`crate::replay`] takes it.
    pub insert_id: String,
    /// The event's user.
    pub user_id: String,
    /// The device ID, if one is known; `None` after sending.
    pub device_id: Option<String>,
    /// The event's name.
    pub event_type: String,
    /// When the event happened (ms since the epoch).
    pub time_ms: i64,
    /// The event as JSON; `None` after sending.
    pub payload: Option<String>,
    /// The row's state.
    pub state: OutboxState,
    /// Number of attempts.
    pub attempts: i64,
    /// The next attempt of a pending row (ms since the epoch).
    pub next_attempt_ms: i64,
    /// When the row was written (ms since the epoch).
    pub enqueued_ms: i64,
    /// When the receiver accepted it (ms since the epoch).
    pub sent_ms: Option<i64>,
    /// When it was parked (ms since the epoch).
    pub parked_ms: Option<i64>,
    /// Why it was parked.
    pub parked_reason: Option<String>,
    /// The error of the last failed attempt.
    pub last_error: Option<String>,
}

/// Counts the rows by state and finds the oldest unsettled row.
pub async fn counts(db: &Db) -> Result<OutboxCounts, sqlx::Error> {
    let (queued, sent) = tokio::try_join!(
        OUTBOX.counts(db),
        sqlx::query_scalar(COUNT_SENT)
            .bind(COUNT_LIMIT + 1)
            .fetch_one(db.pool())
    )?;
    Ok(OutboxCounts {
        pending: queued.pending,
        leased: queued.leased,
        sent,
        parked: queued.parked,
        oldest_unsettled_ms: queued.oldest_pending_ms,
    })
}

const COUNT_SENT: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE state = 'sent' LIMIT $1) AS sent";

/// Selects rows, with the lease that a pending row is under.
macro_rules! select_entries {
    ($rest:literal) => {
        concat!(
            "SELECT outbox.*, lanes.leased_to FROM outbox LEFT JOIN outbox_lanes AS lanes
               ON lanes.lane = outbox.lane AND lanes.leased_to >= outbox.sequence AND outbox.state = 'pending' ",
            $rest
        )
    };
}

const PARKED: &str = select_entries!(
    "WHERE outbox.state = 'parked' ORDER BY outbox.parked_ms DESC, outbox.sequence DESC LIMIT $1"
);

const EVENTS_OF: &str =
    select_entries!("WHERE outbox.lane = $1 ORDER BY outbox.enqueued_ms DESC, outbox.sequence DESC LIMIT $2");

const UNDELIVERED_OF: &str = select_entries!(
    "WHERE outbox.lane = $1 AND outbox.state IN ('pending', 'parked') ORDER BY outbox.sequence LIMIT $2"
);

/// Returns parked rows, latest first, at most `limit`.
pub async fn parked(db: &Db, limit: i64) -> Result<Vec<OutboxEntry>, sqlx::Error> {
    let rows = sqlx::query(PARKED).bind(limit).fetch_all(db.pool()).await?;
    rows.iter().map(read_entry).collect()
}

/// Returns the latest `limit` rows of `user` in any state, oldest first.
pub async fn events_of(db: &Db, user: UserId, limit: i64) -> Result<Vec<OutboxEntry>, sqlx::Error> {
    let rows = sqlx::query(EVENTS_OF)
        .bind(user.to_string())
        .bind(limit)
        .fetch_all(db.pool())
        .await?;
    rows.iter().rev().map(read_entry).collect()
}

/// Returns the users of the last [`RECENT_ROWS`] rows, most recent first, at most `limit`.
pub async fn recent_users(db: &Db, limit: i64) -> Result<Vec<UserId>, sqlx::Error> {
    let lanes: Vec<String> = sqlx::query_scalar(
        "SELECT lane FROM (SELECT lane, sequence FROM outbox ORDER BY sequence DESC LIMIT $1) AS newest
         GROUP BY lane ORDER BY MAX(sequence) DESC LIMIT $2",
    )
    .bind(RECENT_ROWS)
    .bind(limit)
    .fetch_all(db.pool())
    .await?;
    Ok(lanes.iter().filter_map(|lane| UserId::parse(lane)).collect())
}

/// Rows that [`recent_users`] searches.
const RECENT_ROWS: i64 = 10_000;

/// The statement that reads the unsent rows of `user`, oldest first: pending, leased and parked, at most
/// [`MAX_UNDELIVERED`]. [`read_entries`] reads them.
pub fn undelivered_of(user: UserId) -> Statement {
    Statement::new(UNDELIVERED_OF)
        .bind(user.to_string())
        .bind(MAX_UNDELIVERED)
}

/// Rows that [`undelivered_of`] returns at most.
const MAX_UNDELIVERED: i64 = 1_000;

/// Reads the rows of [`undelivered_of`].
///
/// # Errors
/// When a column cannot be read.
pub fn read_entries(rows: &[AnyRow]) -> Result<Vec<OutboxEntry>, sqlx::Error> {
    rows.iter().map(read_entry).collect()
}

fn read_entry(row: &AnyRow) -> Result<OutboxEntry, sqlx::Error> {
    let is_leased = row.try_get::<Option<i64>, _>("leased_to")?.is_some();
    Ok(OutboxEntry {
        insert_id: row.try_get("insert_id")?,
        user_id: row.try_get("lane")?,
        device_id: row.try_get("device_id")?,
        event_type: row.try_get("event_type")?,
        time_ms: row.try_get("time_ms")?,
        payload: row.try_get("payload")?,
        state: match row.try_get("state")? {
            "pending" if is_leased => OutboxState::Leased,
            "pending" => OutboxState::Pending,
            SENT => OutboxState::Sent,
            "parked" => OutboxState::Parked,
            other => {
                return Err(sqlx::Error::Decode(
                    format!("unknown outbox state {other}").into(),
                ));
            }
        },
        // The lease counts the attempt, which is written when the row is settled.
        attempts: row.try_get::<i64, _>("attempts")? + i64::from(is_leased),
        next_attempt_ms: row.try_get("next_attempt_ms")?,
        enqueued_ms: row.try_get("enqueued_ms")?,
        sent_ms: row.try_get("sent_ms")?,
        parked_ms: row.try_get("parked_ms")?,
        parked_reason: row.try_get("parked_reason")?,
        last_error: row.try_get("last_error")?,
    })
}
