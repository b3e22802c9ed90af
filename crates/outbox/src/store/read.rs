//! What the operations page and the timeline read.

use db::Db;
use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::UserId;

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits to be sent, for the first time or again.
    Pending,
    /// Is being sent, or its sender crashed and the lease has yet to run out.
    Leased,
    /// The receiver has it.
    Sent,
    /// Set aside, with a reason.
    Parked,
}

impl State {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "pending" => Some(Self::Pending),
            "leased" => Some(Self::Leased),
            "sent" => Some(Self::Sent),
            "parked" => Some(Self::Parked),
            _ => None,
        }
    }
}

/// Rows by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that wait.
    pub pending: i64,
    /// Rows that are being sent.
    pub leased: i64,
    /// Rows that arrived, ever.
    pub sent: i64,
    /// Rows that were set aside.
    pub parked: i64,
    /// When the oldest row that is neither sent nor parked was written (ms since the epoch). The closer to 7 days ago,
    /// the nearer the end of the receiver's deduplication.
    pub oldest_unsettled_ms: Option<i64>,
}

impl Counts {
    /// Age of the oldest unsettled row, in ms.
    pub fn lag_ms(&self, now_ms: i64) -> Option<i64> {
        self.oldest_unsettled_ms
            .map(|oldest_ms| now_ms.saturating_sub(oldest_ms).max(0))
    }
}

/// One row, as people look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The event's insert ID: the handle for [`crate::replay`].
    pub insert_id: String,
    /// Whose event.
    pub user_id: String,
    /// The browser, where one is known.
    pub device_id: Option<String>,
    /// The event's name.
    pub event_type: String,
    /// When it happened (ms since the epoch).
    pub time_ms: i64,
    /// The event as JSON, until it is pruned.
    pub payload: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Attempts to send it.
    pub attempts: i64,
    /// When it is tried next, if it waits (ms since the epoch).
    pub next_attempt_ms: i64,
    /// When it was written (ms since the epoch).
    pub enqueued_ms: i64,
    /// When it arrived (ms since the epoch).
    pub sent_ms: Option<i64>,
    /// When it was set aside (ms since the epoch).
    pub parked_ms: Option<i64>,
    /// Why it was set aside.
    pub parked_reason: Option<String>,
    /// What the last failed attempt said.
    pub last_error: Option<String>,
}

/// Rows by state, and the oldest that is still to go.
pub async fn counts(db: &Db) -> Result<Counts, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT state, COUNT(*) AS amount, MIN(enqueued_ms) AS oldest_ms FROM outbox GROUP BY state",
    )
    .fetch_all(db.pool())
    .await?;
    let mut counts = Counts::default();
    for row in &rows {
        let amount: i64 = row.try_get("amount")?;
        let state = state_of(row)?;
        match state {
            State::Pending => counts.pending = amount,
            State::Leased => counts.leased = amount,
            State::Sent => counts.sent = amount,
            State::Parked => counts.parked = amount,
        }
        if matches!(state, State::Pending | State::Leased) {
            let oldest_ms: i64 = row.try_get("oldest_ms")?;
            counts.oldest_unsettled_ms = Some(
                counts
                    .oldest_unsettled_ms
                    .map_or(oldest_ms, |known| known.min(oldest_ms)),
            );
        }
    }
    Ok(counts)
}

/// Parked rows, the latest first, at most `limit`.
pub async fn parked(db: &Db, limit: i64) -> Result<Vec<Entry>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM outbox WHERE state = 'parked' ORDER BY parked_ms DESC, sequence DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(db.pool())
    .await?;
    rows.iter().map(entry).collect()
}

/// The latest `limit` rows of `user`, oldest first, whatever became of them.
pub async fn events_of(db: &Db, user: UserId, limit: i64) -> Result<Vec<Entry>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT * FROM outbox WHERE lane = $1 ORDER BY enqueued_ms DESC, sequence DESC LIMIT $2")
            .bind(user.to_string())
            .bind(limit)
            .fetch_all(db.pool())
            .await?;
    rows.iter().rev().map(entry).collect()
}

/// People with the newest rows, the latest first, at most `limit`: those of the last [`NEWEST`] rows.
pub async fn newest_people(db: &Db, limit: i64) -> Result<Vec<UserId>, sqlx::Error> {
    let lanes: Vec<String> = sqlx::query_scalar(
        "SELECT lane FROM (SELECT lane, sequence FROM outbox ORDER BY sequence DESC LIMIT $1) AS newest
         GROUP BY lane ORDER BY MAX(sequence) DESC LIMIT $2",
    )
    .bind(NEWEST)
    .bind(limit)
    .fetch_all(db.pool())
    .await?;
    Ok(lanes.iter().filter_map(|lane| UserId::parse(lane)).collect())
}

/// Rows among which the newest people are looked for.
const NEWEST: i64 = 10_000;

/// What has not arrived of `user`'s, oldest first: rows on their way, and rows that were set aside.
pub async fn undelivered_of(db: &Db, user: UserId) -> Result<Vec<Entry>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT * FROM outbox WHERE lane = $1 AND state <> 'sent' ORDER BY sequence LIMIT $2")
            .bind(user.to_string())
            .bind(MOST_UNDELIVERED)
            .fetch_all(db.pool())
            .await?;
    rows.iter().map(entry).collect()
}

/// More of one person's would help nobody.
const MOST_UNDELIVERED: i64 = 1_000;

fn entry(row: &AnyRow) -> Result<Entry, sqlx::Error> {
    Ok(Entry {
        insert_id: row.try_get("insert_id")?,
        user_id: row.try_get("lane")?,
        device_id: row.try_get("device_id")?,
        event_type: row.try_get("event_type")?,
        time_ms: row.try_get("time_ms")?,
        payload: row.try_get("payload")?,
        state: state_of(row)?,
        attempts: row.try_get("attempts")?,
        next_attempt_ms: row.try_get("next_attempt_ms")?,
        enqueued_ms: row.try_get("enqueued_ms")?,
        sent_ms: row.try_get("sent_ms")?,
        parked_ms: row.try_get("parked_ms")?,
        parked_reason: row.try_get("parked_reason")?,
        last_error: row.try_get("last_error")?,
    })
}

fn state_of(row: &AnyRow) -> Result<State, sqlx::Error> {
    let text: String = row.try_get("state")?;
    State::parse(&text).ok_or_else(|| sqlx::Error::Decode(format!("unknown outbox state {text}").into()))
}
