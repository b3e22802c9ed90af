//! SQL of the comparison with Stripe's ledger.

use std::collections::{HashMap, HashSet};

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row, query::QueryAs};
use tracking::{Currency, Money, UserId};

use super::{decode, user_id};
use crate::billing::ledger::{Movement, MovementKind, MovementScope, ReconcileContext};
use crate::key_list::{self, MAX_KEYS};

/// The most payments, refunds and disputes to read. More than are read from Stripe, so that everything Stripe lists is
/// found.
const MOST: i64 = 10_000;

/// The newest payments with a nonzero amount, all succeeded refunds and all lost disputes.
pub(in crate::billing) async fn recorded(pool: &db::Pool) -> Result<Vec<Movement>, sqlx::Error> {
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
    pool: &db::Pool,
    customers: &HashSet<&str>,
) -> Result<ReconcileContext, sqlx::Error> {
    let mut known = HashMap::new();
    let customers: Vec<&str> = customers.iter().copied().collect();
    for keys in customers.chunks(MAX_KEYS) {
        let query = "SELECT id, user_id FROM stripe_customers WHERE id IN ({keys})";
        let query = sqlx::query_as(AssertSqlSafe(key_list::statement(query, keys.len())));
        let query = key_list::parameters(keys).fold(query, QueryAs::bind);
        let rows: Vec<(String, Option<String>)> = query.fetch_all(pool).await?;
        known.extend(rows.into_iter().map(|(id, account)| (id, account.is_some())));
    }
    Ok(ReconcileContext {
        customers: known,
        pending: lanes(pool, "SELECT lane FROM stripe_inbox WHERE state = 'pending'").await?,
        parked: lanes(pool, "SELECT lane FROM stripe_inbox WHERE state = 'parked'").await?,
    })
}

async fn lanes(pool: &db::Pool, query: &'static str) -> Result<HashSet<String>, sqlx::Error> {
    Ok(sqlx::query_scalar(query)
        .fetch_all(pool)
        .await?
        .into_iter()
        .collect())
}

/// Existing accounts with payments, latest payment first; and the number of all paying customers.
pub(in crate::billing) async fn payers(
    pool: &db::Pool,
    most: i64,
) -> Result<(Vec<UserId>, i64), sqlx::Error> {
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
