//! SQL of throttles. The column `failures` counts attempts that were not refunded.

/// Counts an attempt. Returns the count and the end of the window. Starts a new window if the last one has ended.
pub(in crate::accounts) async fn count_attempt(
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

/// Takes one attempt back, if its window is still there.
pub(in crate::accounts) async fn refund_attempt(
    connection: &mut db::Connection,
    key: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE throttles SET failures = failures - 1 WHERE key = $1 AND failures > 0")
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets all attempts under a key.
pub(in crate::accounts) async fn delete_throttle(
    connection: &mut db::Connection,
    key: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM throttles WHERE key = $1")
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}
