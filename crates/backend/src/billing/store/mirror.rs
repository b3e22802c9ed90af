//! SQL of our copy of Stripe's payments, refunds and disputes, as of the last applied webhook.

use std::collections::HashMap;

use db::Statement;
use sqlx::Row;
use tracking::{Currency, Money, UserId};

use super::decode;
use crate::billing::payload::{Dispute, DisputeStatus, Invoice, Refund, RefundStatus};

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

/// The customer's paid invoices whose payments are recorded too, with their amounts in minor units.
pub(in crate::billing) async fn recorded_invoices(
    connection: &mut db::Connection,
    customer: &str,
) -> Result<HashMap<String, i64>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT id, amount_paid FROM paid_invoices WHERE customer_id = $1 AND has_payments = 1",
    )
    .bind(customer)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Records a payment of one of the customer's invoices.
pub(in crate::billing) fn insert_payment(payment_intent: &str, customer: &str) -> Statement {
    Statement::new(
        "INSERT INTO invoice_payments (payment_intent, customer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(payment_intent)
    .bind(customer)
}

/// Inserts or updates a paid invoice. Its payments are recorded separately, with [`insert_payment`].
pub(in crate::billing) fn upsert_paid_invoice(
    invoice: &Invoice,
    customer: &str,
    subscription: &str,
) -> Statement {
    let (paid_at, ..) = invoice.payment_order();
    Statement::new(
        "INSERT INTO paid_invoices (id, customer_id, subscription_id, currency, amount_paid, paid_at, hosted_url,
                                    has_payments)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
         ON CONFLICT (id) DO UPDATE SET
            amount_paid = excluded.amount_paid, paid_at = excluded.paid_at, hosted_url = excluded.hosted_url,
            has_payments = 1",
    )
    .bind(invoice.id.as_str())
    .bind(customer)
    .bind(subscription)
    .bind(invoice.paid.currency.to_string())
    .bind(invoice.paid.minor)
    .bind(paid_at)
    .bind(invoice.hosted_url.clone())
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
    pool: &db::Pool,
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
