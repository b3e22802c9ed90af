//! How the webhooks stand in the app's database: all SQL of the trials' crash run.

use std::collections::BTreeMap;

use db::Db;

/// State of each webhook that was ever stored, by Stripe's event ID.
pub(super) async fn webhooks(db: &Db) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT event_id, state FROM stripe_inbox")
        .fetch_all(db.pool())
        .await?;
    Ok(rows.into_iter().collect())
}
