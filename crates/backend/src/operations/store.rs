//! SQL that only the operators' pages need.

/// Delivered events since `from_ms`, by minute counted from there.
pub(super) async fn sent_by_minute(
    pool: &db::Pool,
    from_ms: i64,
    minute_ms: i64,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT (sent_ms - $1) / $2 AS minute, COUNT(*) FROM outbox
         WHERE state = 'sent' AND sent_ms >= $1 GROUP BY (sent_ms - $1) / $2 ORDER BY minute",
    )
    .bind(from_ms)
    .bind(minute_ms)
    .fetch_all(pool)
    .await
}
