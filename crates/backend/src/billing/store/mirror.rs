//! SQL of our copy of Stripe's subscriptions, payments and refunds, as of the last applied webhook.

use serde_json::Value;
use sqlx::{AnyPool, Row};
use tracking::{Currency, Money, UserId};

use super::{decode, user_id};
use crate::billing::payload::{Dispute, DisputeStatus, Invoice, Refund, RefundStatus, Subscription};

/// A subscription as last fetched.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::billing) struct StoredSubscription {
    pub(in crate::billing) subscription: Subscription,
    /// Whether it was created beside a running one and therefore canceled.
    pub(in crate::billing) is_duplicate: bool,
}

/// A second subscription that was created beside a running one and was canceled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateSubscription {
    /// Stripe's ID.
    pub id: String,
    /// Stripe's customer.
    pub customer: String,
    /// The account; `None` if it was deleted.
    pub account: Option<UserId>,
    /// Stripe's status.
    pub status: String,
    /// When it was last fetched, in ms since the epoch.
    pub fetched_ms: i64,
}

/// A payment in our database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidInvoice {
    /// Stripe's ID of the invoice.
    pub id: String,
    /// The paid amount.
    pub amount: Money,
    /// When it was paid, in seconds since the epoch, by the clock that moves the subscription.
    pub paid_at_secs: i64,
    /// The refunded part.
    pub refunded: Money,
    /// URL of Stripe's page for the invoice.
    pub hosted_url: Option<String>,
}

/// The account's subscriptions of the plan. A subscription that was changed to another product is not one of them.
pub(in crate::billing) async fn subscriptions(
    pool: &AnyPool,
    user: UserId,
) -> Result<Vec<StoredSubscription>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT subscriptions.object, subscriptions.turned_away
         FROM subscriptions JOIN stripe_customers ON stripe_customers.id = subscriptions.customer_id
         WHERE stripe_customers.user_id = $1 AND subscriptions.is_plan = 1",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let object: Value = serde_json::from_str(row.try_get("object")?).map_err(decode)?;
            Ok(StoredSubscription {
                subscription: Subscription::read(&object).map_err(decode)?,
                is_duplicate: row.try_get::<i64, _>("turned_away")? == 1,
            })
        })
        .collect()
}

/// The IDs of the customer's recorded subscriptions.
pub(in crate::billing) async fn subscription_ids(
    pool: &AnyPool,
    customer: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM subscriptions WHERE customer_id = $1")
        .bind(customer)
        .fetch_all(pool)
        .await
}

/// Inserts or updates a subscription that was fetched at `now_ms`. One that is not of the plan is updated only.
pub(in crate::billing) async fn upsert_subscription(
    connection: &mut db::Connection,
    object: &Value,
    customer: &str,
    is_plan: bool,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let statement = match is_plan {
        true => {
            "INSERT INTO subscriptions (id, customer_id, status, object, fetched_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET status = excluded.status, object = excluded.object,
                fetched_at = excluded.fetched_at, is_plan = 1"
        }
        false => {
            "UPDATE subscriptions SET status = $3, object = $4, fetched_at = $5, is_plan = 0
             WHERE id = $1 AND customer_id = $2"
        }
    };
    sqlx::query(statement)
        .bind(object["id"].as_str())
        .bind(customer)
        .bind(object["status"].as_str())
        .bind(object.to_string())
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks a subscription as a canceled duplicate.
pub(in crate::billing) async fn mark_duplicate(
    connection: &mut db::Connection,
    subscription: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE subscriptions SET turned_away = 1 WHERE id = $1")
        .bind(subscription)
        .execute(connection)
        .await?;
    Ok(())
}

/// The duplicate subscriptions, newest first.
pub(in crate::billing) async fn duplicate_subscriptions(
    pool: &AnyPool,
    most: i64,
) -> Result<Vec<DuplicateSubscription>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT subscriptions.id, customer_id, status, fetched_at, stripe_customers.user_id
         FROM subscriptions JOIN stripe_customers ON stripe_customers.id = subscriptions.customer_id
         WHERE turned_away = 1 ORDER BY fetched_at DESC, subscriptions.id LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let account: Option<String> = row.try_get("user_id")?;
            Ok(DuplicateSubscription {
                id: row.try_get("id")?,
                customer: row.try_get("customer_id")?,
                account: account.as_deref().map(user_id).transpose()?,
                status: row.try_get("status")?,
                fetched_ms: row.try_get("fetched_at")?,
            })
        })
        .collect()
}

pub(in crate::billing) async fn upsert_paid_invoice(
    connection: &mut db::Connection,
    invoice: &Invoice,
    customer: &str,
    subscription: &str,
) -> Result<(), sqlx::Error> {
    let (paid_at, ..) = invoice.payment_order();
    sqlx::query(
        "INSERT INTO paid_invoices (id, customer_id, subscription_id, currency, amount_paid, paid_at, hosted_url)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET
            amount_paid = excluded.amount_paid, paid_at = excluded.paid_at, hosted_url = excluded.hosted_url",
    )
    .bind(&invoice.id)
    .bind(customer)
    .bind(subscription)
    .bind(invoice.paid.currency.to_string())
    .bind(invoice.paid.minor)
    .bind(paid_at)
    .bind(invoice.hosted_url.as_deref())
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts or updates a refund. A late webhook does not change a final status.
pub(in crate::billing) async fn upsert_refund(
    connection: &mut db::Connection,
    refund: &Refund,
    customer: &str,
    invoice: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO refunds (id, customer_id, invoice_id, currency, amount, status) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET status =
            CASE WHEN refunds.status = 'failed' OR excluded.status = 'other' THEN refunds.status
                 ELSE excluded.status END",
    )
    .bind(&refund.id)
    .bind(customer)
    .bind(invoice)
    .bind(refund.amount.currency.to_string())
    .bind(refund.amount.minor)
    .bind(match refund.status {
        RefundStatus::Succeeded => "succeeded",
        RefundStatus::Failed => "failed",
        RefundStatus::Other => "other",
    })
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts or updates a closed dispute.
pub(in crate::billing) async fn upsert_dispute(
    connection: &mut db::Connection,
    dispute: &Dispute,
    customer: &str,
    invoice: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO disputes (id, customer_id, invoice_id, currency, amount, status) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status",
    )
    .bind(&dispute.id)
    .bind(customer)
    .bind(invoice)
    .bind(dispute.amount.currency.to_string())
    .bind(dispute.amount.minor)
    .bind(match dispute.status {
        DisputeStatus::Lost => "lost",
        DisputeStatus::Other => "other",
    })
    .execute(connection)
    .await?;
    Ok(())
}

/// The account's payments, newest first. Invoices with a zero amount are excluded.
pub(in crate::billing) async fn paid_invoices(
    pool: &AnyPool,
    user: UserId,
) -> Result<Vec<PaidInvoice>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT paid_invoices.id, paid_invoices.currency, amount_paid, paid_at, hosted_url,
                COALESCE((SELECT CAST(SUM(refunds.amount) AS BIGINT) FROM refunds
                          WHERE refunds.invoice_id = paid_invoices.id AND refunds.status = 'succeeded'), 0) AS refunded
         FROM paid_invoices JOIN stripe_customers ON stripe_customers.id = paid_invoices.customer_id
         WHERE stripe_customers.user_id = $1 AND amount_paid > 0
         ORDER BY paid_at DESC, paid_invoices.id DESC",
    )
    .bind(user.to_string())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let currency: String = row.try_get("currency")?;
            let currency = Currency::parse(&currency).ok_or_else(|| decode("unknown currency"))?;
            Ok(PaidInvoice {
                id: row.try_get("id")?,
                amount: Money::new(row.try_get("amount_paid")?, currency),
                paid_at_secs: row.try_get("paid_at")?,
                refunded: Money::new(row.try_get("refunded")?, currency),
                hosted_url: row.try_get("hosted_url")?,
            })
        })
        .collect()
}
