//! What the app's database says of the webhooks: all SQL of this measurement.

use db::Db;

/// ms from a webhook's acceptance to the event in the outbox, for each webhook since `since_ms` that became one. Both
/// moments are the app's, each taken just before its transaction.
pub(super) async fn waits(db: &Db, since_ms: i64) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT settled_ms - received_ms FROM stripe_inbox
         WHERE state = 'applied' AND events > 0 AND received_ms >= $1",
    )
    .bind(since_ms)
    .fetch_all(db.pool())
    .await
}

/// Webhooks in this state.
pub(super) async fn number_in(db: &Db, state: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM stripe_inbox WHERE state = $1")
        .bind(state)
        .fetch_one(db.pool())
        .await
}

/// Rows of the outbox with an event of this name.
pub(super) async fn told(db: &Db, event: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE event_type = $1")
        .bind(event)
        .fetch_one(db.pool())
        .await
}
