//! The SQL of this measurement: the state of the webhooks in the app's database.

use db::Db;

/// Returns the ms from the receipt of a webhook to its event in the outbox, for each webhook since `since_ms` that caused
/// an event. The app records both times just before the transactions.
pub(super) async fn processing_times_ms(db: &Db, since_ms: i64) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT applied_ms - enqueued_ms FROM stripe_inbox
         WHERE state = 'applied' AND events > 0 AND enqueued_ms >= $1",
    )
    .bind(since_ms)
    .fetch_all(db.pool())
    .await
}

/// Whether a webhook is pending. The cost does not depend on their number, so the measurement slows the app little.
pub(super) async fn has_pending(db: &Db) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM stripe_inbox WHERE state = 'pending' LIMIT 1");
    Ok(found.fetch_optional(db.pool()).await?.is_some())
}

/// Returns the number of webhooks in a state.
pub(crate) async fn count_in_state(db: &Db, state: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM stripe_inbox WHERE state = $1")
        .bind(state)
        .fetch_one(db.pool())
        .await
}

/// Returns the number of outbox rows with an event name.
pub(super) async fn count_events(db: &Db, event: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE event_type = $1")
        .bind(event)
        .fetch_one(db.pool())
        .await
}
