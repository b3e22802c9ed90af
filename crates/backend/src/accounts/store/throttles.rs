//! SQL of throttles.

use sqlx::AnyPool;

/// Returns the number of failures and the end of the window, if the window is still open.
pub(in crate::accounts) async fn failures(
    pool: &AnyPool,
    key: &str,
    now_ms: i64,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT failures, window_end FROM throttles WHERE key = $1 AND window_end > $2")
        .bind(key)
        .bind(now_ms)
        .fetch_optional(pool)
        .await
}

/// Counts a failure. Returns the count and the end of the window. Starts a new window if the last one has ended.
pub(in crate::accounts) async fn count_failure(
    connection: &mut db::Connection,
    key: &str,
    now_ms: i64,
    window_end_ms: i64,
) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO throttles (key, failures, window_end) VALUES ($1, 1, $3)
         ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN throttles.window_end > $2 THEN throttles.failures + 1 ELSE 1 END,
            window_end = CASE WHEN throttles.window_end > $2 THEN throttles.window_end ELSE $3 END
         RETURNING failures, window_end",
    )
    .bind(key)
    .bind(now_ms)
    .bind(window_end_ms)
    .fetch_one(connection)
    .await
}

pub(in crate::accounts) async fn reset_failures(
    connection: &mut db::Connection,
    key: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM throttles WHERE key = $1")
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::accounts) async fn delete_old_throttles(
    pool: &AnyPool,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM throttles WHERE window_end <= $1")
        .bind(now_ms)
        .execute(pool)
        .await?;
    Ok(())
}
