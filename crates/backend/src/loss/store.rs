//! SQL of the loss meter.

use std::collections::{BTreeMap, BTreeSet};

use db::Statement;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use tracking::UserId;
use tracking::loss::{Loss, Share};

use super::pending::{PendingCounts, PendingFired, SessionKey};
use super::{ArrivedCounts, LossScope};
use crate::attribution::record_sdk_campaign;

/// Writes counts, session by session in a fixed order, so that two servers do not deadlock over sessions. A user who was
/// deleted meanwhile is left out.
pub(super) async fn write(
    connection: &mut db::Connection,
    counts: &PendingCounts,
) -> Result<(), sqlx::Error> {
    let sessions: BTreeSet<&SessionKey> = counts
        .fired
        .keys()
        .chain(counts.arrived.keys())
        .chain(counts.sdk_sessions.keys())
        .collect();
    for session in sessions {
        if let Some(fired) = counts.fired.get(session) {
            if fired.is_present {
                insert(connection, fired).await?;
            }
            raise(connection, fired).await?;
        }
        if let Some(arrived) = counts.arrived.get(session) {
            add_arrived(connection, session, *arrived).await?;
        }
        if let Some((user, at_ms)) = counts.sdk_sessions.get(session) {
            insert_sdk_session(connection, session, *user, *at_ms).await?;
        }
    }
    // After the sessions, because a campaign is stored in the sessions of its device.
    for (device, campaign) in counts.sdk_campaigns.iter().collect::<BTreeMap<_, _>>() {
        record_sdk_campaign(connection, device, campaign).await?;
    }
    Ok(())
}

/// Inserts a count for the session if it has none.
async fn insert(connection: &mut db::Connection, fired: &PendingFired) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO browser_counts (device_id, session_id, fired_events, fired_pages, updated_at)
         VALUES ($1, $2, 0, 0, $3) ON CONFLICT (device_id, session_id) DO NOTHING",
    )
    .bind(fired.count.device.as_str())
    .bind(fired.count.session.ms())
    .bind(fired.at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Raises the session's count, if it has one, and sets its user.
async fn raise(connection: &mut db::Connection, fired: &PendingFired) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE browser_counts SET
             user_id = COALESCE(user_id, (SELECT id FROM users WHERE id = $3)),
             fired_events = CASE WHEN $4 > fired_events THEN $4 ELSE fired_events END,
             fired_pages = CASE WHEN $5 > fired_pages THEN $5 ELSE fired_pages END,
             updated_at = $6
         WHERE device_id = $1 AND session_id = $2",
    )
    .bind(fired.count.device.as_str())
    .bind(fired.count.session.ms())
    .bind(fired.user.map(|user| user.to_string()))
    .bind(i64::from(fired.count.events))
    .bind(i64::from(fired.count.pages))
    .bind(fired.at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds arrived events, if the session has a count.
async fn add_arrived(
    connection: &mut db::Connection,
    (device, session): &SessionKey,
    arrived: ArrivedCounts,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE browser_counts SET
             arrived_events = arrived_events + $3,
             arrived_pages = arrived_pages + $4,
             sdk_arrived = sdk_arrived + $5
         WHERE device_id = $1 AND session_id = $2",
    )
    .bind(device.as_str())
    .bind(session.ms())
    .bind(i64::from(arrived.events))
    .bind(i64::from(arrived.pages))
    .bind(i64::from(arrived.sdk_events))
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts a session in which the SDK ran, if it is not there.
async fn insert_sdk_session(
    connection: &mut db::Connection,
    (device, session): &SessionKey,
    user: UserId,
    at_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO sdk_sightings (device_id, session_id, user_id, seen_at)
         SELECT $1, CAST($2 AS BIGINT), id, CAST($4 AS BIGINT) FROM users WHERE id = $3
         ON CONFLICT (device_id, session_id) DO NOTHING",
    )
    .bind(device.as_str())
    .bind(session.ms())
    .bind(user.to_string())
    .bind(at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Sums over sessions. In each session at most as many arrived events count as were sent; the rest are repeats.
const SUMS: &str = "COUNT(*) AS sessions,
    CAST(COALESCE(SUM(fired_events), 0) AS BIGINT) AS fired_events,
    CAST(COALESCE(SUM(fired_pages), 0) AS BIGINT) AS fired_pages,
    CAST(COALESCE(SUM(CASE WHEN arrived_events < fired_events THEN arrived_events ELSE fired_events END), 0) AS BIGINT)
        AS arrived_events,
    CAST(COALESCE(SUM(CASE WHEN arrived_pages < fired_pages THEN arrived_pages ELSE fired_pages END), 0) AS BIGINT)
        AS arrived_pages,
    CAST(COALESCE(SUM(CASE WHEN sdk_arrived > 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS sessions_of_sdk";

/// The statement that reads a loss. [`read_loss`] reads its rows.
pub(crate) fn loss_of(scope: &LossScope) -> Statement {
    let (condition, id) = match scope {
        LossScope::All => ("CAST($1 AS TEXT) IS NULL", None),
        LossScope::User(user) => (
            "user_id = $1 OR (user_id IS NULL
                AND device_id IN (SELECT device_id FROM browser_counts WHERE user_id = $1))",
            Some(user.to_string()),
        ),
        LossScope::Device(device) => (
            "device_id = $1 AND user_id IS NULL",
            Some(device.as_str().to_owned()),
        ),
    };
    let sql = format!("SELECT {SUMS} FROM browser_counts WHERE {condition}");
    Statement::new(AssertSqlSafe(sql)).bind(id)
}

/// Reads the rows of [`loss_of`].
pub(crate) fn read_loss(rows: &[AnyRow]) -> Result<Loss, sqlx::Error> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let number = |column: &str| {
        let value: i64 = row.try_get(column)?;
        Ok::<_, sqlx::Error>(value.unsigned_abs())
    };
    let share = |fired: &str, arrived: &str| {
        Ok::<_, sqlx::Error>(Share {
            fired: number(fired)?,
            arrived: number(arrived)?,
        })
    };
    Ok(Loss {
        sessions: number("sessions")?,
        events: share("fired_events", "arrived_events")?,
        pages: share("fired_pages", "arrived_pages")?,
        sessions_of_sdk: number("sessions_of_sdk")?,
    })
}
