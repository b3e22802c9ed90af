//! SQL of the user's data from Stripe and of the clicks that opened Stripe's pages.

use sqlx::Row;
use tracking::UserId;

use crate::dates::instant;
use crate::export::{Click, Dispute, Payment, Refund};

/// Includes those that Stripe has deleted.
pub(in crate::export) async fn customers(pool: &db::Pool, user: UserId) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM stripe_customers WHERE user_id = $1 ORDER BY created_at, id")
        .bind(user.to_string())
        .fetch_all(pool)
        .await
}

pub(in crate::export) async fn payments(pool: &db::Pool, user: UserId) -> Result<Vec<Payment>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT paid_invoices.id, subscription_id, currency, amount_paid, paid_at FROM paid_invoices
         JOIN stripe_customers ON stripe_customers.id = paid_invoices.customer_id
         WHERE user_id = $1 ORDER BY paid_at, paid_invoices.id",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Payment {
                invoice: row.try_get("id")?,
                subscription: row.try_get("subscription_id")?,
                currency: row.try_get("currency")?,
                amount_minor: row.try_get("amount_paid")?,
                paid_at: instant(row.try_get::<i64, _>("paid_at")?.saturating_mul(1_000)),
            })
        })
        .collect()
}

pub(in crate::export) async fn refunds(pool: &db::Pool, user: UserId) -> Result<Vec<Refund>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT refunds.id, invoice_id, currency, amount, status FROM refunds
         JOIN stripe_customers ON stripe_customers.id = refunds.customer_id
         WHERE user_id = $1 ORDER BY refunds.id",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Refund {
                refund: row.try_get("id")?,
                invoice: row.try_get("invoice_id")?,
                currency: row.try_get("currency")?,
                amount_minor: row.try_get("amount")?,
                status: row.try_get("status")?,
            })
        })
        .collect()
}

pub(in crate::export) async fn disputes(pool: &db::Pool, user: UserId) -> Result<Vec<Dispute>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT disputes.id, invoice_id, currency, amount, status FROM disputes
         JOIN stripe_customers ON stripe_customers.id = disputes.customer_id
         WHERE user_id = $1 ORDER BY disputes.id",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Dispute {
                dispute: row.try_get("id")?,
                invoice: row.try_get("invoice_id")?,
                currency: row.try_get("currency")?,
                amount_minor: row.try_get("amount")?,
                status: row.try_get("status")?,
            })
        })
        .collect()
}

/// Includes the visits to the customer portal.
pub(in crate::export) async fn clicks(pool: &db::Pool, user: UserId) -> Result<Vec<Click>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT action, device_id, session_id, created_at, context, address FROM handoffs WHERE user_id = $1
         UNION ALL
         SELECT 'portal' AS action, device_id, session_id, created_at, context, NULL AS address FROM portal_visits WHERE user_id = $1
         ORDER BY created_at",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Click {
                action: row.try_get("action")?,
                device: row.try_get("device_id")?,
                session: row.try_get("session_id")?,
                context: row
                    .try_get::<Option<String>, _>("context")?
                    .and_then(|json| serde_json::from_str(&json).ok()),
                address: row.try_get("address")?,
                at: instant(row.try_get("created_at")?),
            })
        })
        .collect()
}
