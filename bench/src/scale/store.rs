//! The SQL of this measurement: what Postgres waits for, and the webhooks and events in the app's database.

use std::collections::BTreeMap;

use db::Db;

/// Returns the process of this connection on the Postgres server.
pub(super) async fn backend_process(db: &Db) -> Result<Option<u32>, sqlx::Error> {
    let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(db.pool())
        .await?;
    Ok(u32::try_from(process).ok())
}

/// Returns what the statements that run now on this database wait for, with their number.
pub(super) async fn waits(db: &Db) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT COALESCE(wait_event_type || ':' || wait_event, 'running'), COUNT(*) FROM pg_stat_activity
         WHERE state = 'active' AND pid <> pg_backend_pid() AND datname = current_database() GROUP BY 1",
    )
    .fetch_all(db.pool())
    .await?;
    Ok(rows.into_iter().collect())
}
