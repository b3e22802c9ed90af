//! SQL of what may have caused a webhook's events: events that were reported before.

use sqlx::{AssertSqlSafe, Row};
use tracking::UserId;
use tracking::causes::ReportedEvent;

/// The user's events of these names in the outbox, in any state.
pub(in crate::billing) async fn reported_events(
    connection: &mut db::Connection,
    user: UserId,
    names: &[&str],
) -> Result<Vec<ReportedEvent>, sqlx::Error> {
    let placeholders: Vec<String> = (2..names.len() + 2).map(|number| format!("${number}")).collect();
    let query = sqlx::query(AssertSqlSafe(format!(
        "SELECT event_type, insert_id, time_ms FROM outbox WHERE lane = $1 AND event_type IN ({})",
        placeholders.join(", ")
    )))
    .bind(user.to_string());
    let rows = names
        .iter()
        .fold(query, |query, name| query.bind(*name))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ReportedEvent {
                name: row.try_get("event_type")?,
                insert_id: row.try_get("insert_id")?,
                time_ms: row.try_get("time_ms")?,
            })
        })
        .collect()
}
