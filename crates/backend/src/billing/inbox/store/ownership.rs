//! SQL of webhooks that are not ours: what says whose a webhook is, and how many were not ours.

use std::collections::{BTreeSet, HashSet};

use sqlx::{Any, AssertSqlSafe, Executor, Row};
use tracking::UserId;

use crate::billing::inbox::NotOursReason;

/// How many webhooks of a type were not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOursCount {
    /// Stripe's event type.
    pub event_type: String,
    /// Why they were not ours.
    pub reason: NotOursReason,
    /// Their number. A repeated webhook counts again, because nothing of it is kept.
    pub webhooks: i64,
    /// When the last one was received, in ms since the epoch.
    pub last_received_ms: i64,
}

/// Adds to the count of a type and reason. A transaction with several counts writes them in the order of type and reason, so
/// that two servers do not wait for each other.
pub(in crate::billing::inbox) async fn count_not_ours(
    connection: &mut db::Connection,
    event_type: &str,
    reason: NotOursReason,
    webhooks: i64,
    received_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO stripe_not_ours (event_type, reason, webhooks, last_received_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (event_type, reason) DO UPDATE SET
            webhooks = stripe_not_ours.webhooks + excluded.webhooks,
            last_received_ms = CASE WHEN stripe_not_ours.last_received_ms > excluded.last_received_ms
                               THEN stripe_not_ours.last_received_ms ELSE excluded.last_received_ms END",
    )
    .bind(event_type)
    .bind(reason.as_str())
    .bind(webhooks)
    .bind(received_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// All counts, largest first. There is one row for each type and reason.
pub(in crate::billing::inbox) async fn not_ours(pool: &db::Pool) -> Result<Vec<NotOursCount>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT event_type, reason, webhooks, last_received_ms FROM stripe_not_ours
         ORDER BY webhooks DESC, event_type, reason",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let reason: String = row.try_get("reason")?;
            Ok(NotOursCount {
                event_type: row.try_get("event_type")?,
                reason: NotOursReason::parse(&reason)
                    .ok_or_else(|| sqlx::Error::Decode("unknown reason".into()))?,
                webhooks: row.try_get("webhooks")?,
                last_received_ms: row.try_get("last_received_ms")?,
            })
        })
        .collect()
}

/// Those of the customers that are in our database.
pub(in crate::billing::inbox) async fn known_customers(
    pool: &db::Pool,
    customers: &BTreeSet<&str>,
) -> Result<HashSet<String>, sqlx::Error> {
    if customers.is_empty() {
        return Ok(HashSet::new());
    }
    let placeholders: Vec<String> = (1..=customers.len()).map(|number| format!("${number}")).collect();
    let sql = format!(
        "SELECT id FROM stripe_customers WHERE id IN ({})",
        placeholders.join(",")
    );
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(customers.len() == 1);
    let query = customers
        .iter()
        .fold(query, |query, customer| query.bind(*customer));
    Ok(query.fetch_all(pool).await?.into_iter().collect())
}

/// Whether the account exists.
pub(in crate::billing::inbox) async fn account_exists(
    pool: &db::Pool,
    account: UserId,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM users WHERE id = $1 AND deleted_at IS NULL")
        .bind(account.to_string())
        .fetch_optional(pool)
        .await?;
    Ok(found.is_some())
}

/// Whether the subscription is in our database.
pub(in crate::billing::inbox) async fn is_recorded(
    pool: &db::Pool,
    subscription: &str,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM subscriptions WHERE id = $1")
        .bind(subscription)
        .fetch_optional(pool)
        .await?;
    Ok(found.is_some())
}

/// The customer of a recorded payment.
pub(in crate::billing::inbox) async fn customer_of_payment(
    executor: impl Executor<'_, Database = Any>,
    payment_intent: &str,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT customer_id FROM invoice_payments WHERE payment_intent = $1")
        .bind(payment_intent)
        .fetch_optional(executor)
        .await
}

/// Whether the payment of any paid invoice is unknown, because the invoice was recorded before payments were.
pub(in crate::billing::inbox) async fn has_unread_payments(pool: &db::Pool) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM paid_invoices WHERE has_payments = 0 AND amount_paid > 0 LIMIT 1")
        .fetch_optional(pool)
        .await?;
    Ok(found.is_some())
}
