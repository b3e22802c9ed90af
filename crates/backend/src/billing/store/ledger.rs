//! SQL of the comparison with Stripe's ledger.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};
use tracking::{Currency, Money, UserId};

use super::{decode, user_id};
use crate::billing::ledger::{Movement, MovementKind, MovementScope, ReconcileContext};

/// The most payments, refunds and disputes to read. More than are read from Stripe, so that everything Stripe lists is
/// found.
const MOST: i64 = 10_000;

/// The newest payments with a nonzero amount, all succeeded refunds and all lost disputes.
pub(in crate::billing) async fn recorded(pool: &AnyPool) -> Result<Vec<Movement>, sqlx::Error> {
    let payments = sqlx::query(
        "SELECT id, customer_id, currency, amount_paid AS amount FROM paid_invoices
         WHERE amount_paid <> 0 ORDER BY paid_at DESC LIMIT $1",
    )
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let refunds = sqlx::query(
        "SELECT id, customer_id, currency, amount FROM refunds WHERE status = 'succeeded' ORDER BY id LIMIT $1",
    )
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let disputes = sqlx::query(
        "SELECT id, customer_id, currency, amount FROM disputes WHERE status = 'lost' ORDER BY id LIMIT $1",
    )
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let payments = payments.iter().map(|row| movement(MovementKind::Payment, row));
    payments
        .chain(refunds.iter().map(|row| movement(MovementKind::Refund, row)))
        .chain(disputes.iter().map(|row| movement(MovementKind::Dispute, row)))
        .collect()
}

fn movement(kind: MovementKind, row: &AnyRow) -> Result<Movement, sqlx::Error> {
    let currency: String = row.try_get("currency")?;
    let currency = Currency::parse(&currency).ok_or_else(|| decode("unknown currency"))?;
    Ok(Movement {
        kind,
        id: row.try_get("id")?,
        customer: Some(row.try_get("customer_id")?),
        amount: Money::new(row.try_get("amount")?, currency),
        scope: MovementScope::Plan,
    })
}

/// The accounts of these customers, and the customers with unapplied webhooks.
pub(in crate::billing) async fn reconcile_context(
    pool: &AnyPool,
    customers: &HashSet<&str>,
) -> Result<ReconcileContext, sqlx::Error> {
    let mut known = HashMap::new();
    if !customers.is_empty() {
        // Filtered here and not in SQL, because the engines limit the number of parameters differently.
        let mut rows = sqlx::query("SELECT id, user_id FROM stripe_customers").fetch(pool);
        while let Some(row) = rows.try_next().await? {
            let id: String = row.try_get("id")?;
            if customers.contains(id.as_str()) {
                let account: Option<String> = row.try_get("user_id")?;
                known.insert(id, account.is_some());
            }
        }
    }
    let lanes = |state: &'static str| async move {
        let lanes: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT lane FROM stripe_inbox WHERE state = $1")
                .bind(state)
                .fetch_all(pool)
                .await?;
        Ok::<HashSet<String>, sqlx::Error>(lanes.into_iter().collect())
    };
    Ok(ReconcileContext {
        customers: known,
        pending: lanes("pending").await?,
        parked: lanes("parked").await?,
    })
}

/// Existing accounts with payments, latest payment first; and the number of all paying customers.
pub(in crate::billing) async fn payers(pool: &AnyPool, most: i64) -> Result<(Vec<UserId>, i64), sqlx::Error> {
    let users: Vec<String> = sqlx::query_scalar(
        "SELECT stripe_customers.user_id
         FROM paid_invoices JOIN stripe_customers ON stripe_customers.id = paid_invoices.customer_id
         WHERE stripe_customers.user_id IS NOT NULL AND amount_paid <> 0
         GROUP BY stripe_customers.user_id
         ORDER BY MAX(paid_invoices.paid_at) DESC, stripe_customers.user_id LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    let all: i64 = sqlx::query_scalar(
        "SELECT COUNT(DISTINCT stripe_customers.user_id)
         FROM paid_invoices JOIN stripe_customers ON stripe_customers.id = paid_invoices.customer_id
         WHERE amount_paid <> 0",
    )
    .fetch_one(pool)
    .await?;
    let users = users.iter().map(|user| user_id(user)).collect::<Result<_, _>>()?;
    Ok((users, all))
}
