//! SQL of the user's tracking data. Events are not included: Amplitude stores them.

use sqlx::Row;
use tracking::UserId;

use crate::dates::instant;
use crate::export::{BrowserSession, ConsentChange, LastTouch};

pub(in crate::export) async fn consent_changes(
    pool: &db::Pool,
    user: UserId,
) -> Result<Vec<ConsentChange>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT choice, changed_at FROM consent_changes WHERE user_id = $1 ORDER BY changed_at")
            .bind(user.to_string())
            .fetch_all(pool)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(ConsentChange {
                choice: row.try_get("choice")?,
                at: instant(row.try_get("changed_at")?),
            })
        })
        .collect()
}

/// Returns the sessions with an SDK sighting or with event counts from the browser.
pub(in crate::export) async fn sessions(
    pool: &db::Pool,
    user: UserId,
) -> Result<Vec<BrowserSession>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT device_id, session_id, MAX(sdk_ran) AS sdk_ran, MAX(fired) AS fired, MAX(arrived) AS arrived FROM (
            SELECT device_id, session_id, 1 AS sdk_ran, 0 AS fired, 0 AS arrived
            FROM sdk_sightings WHERE user_id = $1
            UNION ALL
            SELECT device_id, session_id, 0 AS sdk_ran, fired_events + fired_pages AS fired,
                   arrived_events + arrived_pages AS arrived
            FROM browser_counts WHERE user_id = $1
         ) AS known GROUP BY device_id, session_id ORDER BY session_id, device_id",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(BrowserSession {
                device: row.try_get("device_id")?,
                session: row.try_get("session_id")?,
                sdk_ran: number(row, "sdk_ran")? == 1,
                fired: number(row, "fired")?,
                arrived: number(row, "arrived")?,
            })
        })
        .collect()
}

pub(in crate::export) async fn last_touches(
    pool: &db::Pool,
    user: UserId,
) -> Result<Vec<LastTouch>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT session_id, campaign, touched_ms FROM last_touches WHERE user_id = $1 ORDER BY touched_ms",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(LastTouch {
                session: row.try_get("session_id")?,
                campaign: row.try_get("campaign")?,
                at: instant(row.try_get("touched_ms")?),
            })
        })
        .collect()
}

/// Reads an integer. Postgres returns `i32` if all inputs of the aggregate are literals.
fn number(row: &sqlx::any::AnyRow, column: &str) -> Result<i64, sqlx::Error> {
    row.try_get::<i64, _>(column)
        .or_else(|_| row.try_get::<i32, _>(column).map(i64::from))
}
