//! The SQL of the trials' crash run: the state of the webhooks in the app's database.

use std::collections::BTreeMap;

use db::Db;

/// Returns the state of each stored webhook, by Stripe's event ID.
pub(super) async fn webhook_states(db: &Db) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT event_id, state FROM stripe_inbox")
        .fetch_all(db.pool())
        .await?;
    Ok(rows.into_iter().collect())
}
