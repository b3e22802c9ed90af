//! SQL of our copy of Stripe's subscriptions, as of the last applied webhook.

use db::Statement;
use serde_json::Value;
use sqlx::{Any, Executor, Row};
use tracking::{Currency, Money, UserId};

use super::{decode, user_id};
use crate::billing::payload::Subscription;
use crate::billing::plan::{Plan, SuspensionReason, plan, suspension};

/// A subscription as last fetched.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::billing) struct StoredSubscription {
    pub(in crate::billing) subscription: Subscription,
    /// Whether it was created beside a running one and therefore canceled.
    pub(in crate::billing) is_duplicate: bool,
    /// Whether Stripe has deleted its customer, which ends it, although the last applied webhook does not say so.
    pub(in crate::billing) is_of_deleted_customer: bool,
}

impl StoredSubscription {
    /// Whether it grants Pro.
    pub(in crate::billing) fn grants_pro(&self) -> bool {
        !self.is_of_deleted_customer && plan(&self.subscription.status) == Plan::Pro
    }

    /// Why it grants no Pro, if it has not ended.
    pub(in crate::billing) fn suspension(&self) -> Option<SuspensionReason> {
        suspension(&self.subscription.status).filter(|_| !self.is_of_deleted_customer)
    }
}

/// What a subscription is among those of its customer.
#[derive(Clone, Copy, Debug)]
pub(in crate::billing) struct SubscriptionRole {
    /// Whether it is one of our plan.
    pub(in crate::billing) is_plan: bool,
    /// Whether it runs beside an older one.
    pub(in crate::billing) is_second: bool,
}

/// A second subscription of a customer: a trial that was canceled, or a subscription that runs beside an older one.
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
    /// Whether it runs beside an older one, so that staff must decide about it.
    pub is_running: bool,
    /// What was paid for it less refunds; `None` if nothing was paid.
    pub paid: Option<Money>,
    /// When it was last fetched, in ms since the epoch.
    pub fetched_ms: i64,
}

/// The account's subscriptions of the plan. A subscription that was changed to another product is not one of them.
pub(in crate::billing) async fn subscriptions(
    executor: impl Executor<'_, Database = Any>,
    user: UserId,
) -> Result<Vec<StoredSubscription>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT subscriptions.object, subscriptions.turned_away, stripe_customers.deleted_ms
         FROM subscriptions JOIN stripe_customers ON stripe_customers.id = subscriptions.customer_id
         WHERE stripe_customers.user_id = $1 AND subscriptions.is_plan = 1",
    )
    .bind(user.to_string())
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| {
            let object: Value = serde_json::from_str(row.try_get("object")?).map_err(decode)?;
            Ok(StoredSubscription {
                subscription: Subscription::read(&object).map_err(decode)?,
                is_duplicate: row.try_get::<i64, _>("turned_away")? == 1,
                is_of_deleted_customer: row.try_get::<Option<i64>, _>("deleted_ms")?.is_some(),
            })
        })
        .collect()
}

/// The IDs of the customer's recorded subscriptions.
pub(in crate::billing) async fn subscription_ids(
    connection: &mut db::Connection,
    customer: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM subscriptions WHERE customer_id = $1")
        .bind(customer)
        .fetch_all(connection)
        .await
}

/// Inserts or updates a subscription that was fetched at `now_ms`. One that is not of the plan is updated only.
pub(in crate::billing) fn upsert_subscription(
    object: &Value,
    customer: &str,
    role: SubscriptionRole,
    now_ms: i64,
) -> Statement {
    let text = |field: &str| object[field].as_str().map(str::to_owned);
    Statement::new(match role.is_plan {
        true => {
            "INSERT INTO subscriptions (id, customer_id, status, object, fetched_at, is_second, trial_end_secs)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE SET status = excluded.status, object = excluded.object,
                fetched_at = excluded.fetched_at, is_plan = 1, is_second = excluded.is_second,
                trial_end_secs = excluded.trial_end_secs"
        }
        false => {
            "UPDATE subscriptions SET status = $3, object = $4, fetched_at = $5, is_plan = 0, is_second = $6,
                trial_end_secs = $7
             WHERE id = $1 AND customer_id = $2"
        }
    })
    .bind(text("id"))
    .bind(customer)
    .bind(text("status"))
    .bind(object.to_string())
    .bind(now_ms)
    .bind(i64::from(role.is_second))
    .bind(object["trial_end"].as_i64())
}

/// Marks a subscription as a canceled duplicate.
pub(in crate::billing) fn mark_duplicate(subscription: &str) -> Statement {
    Statement::new("UPDATE subscriptions SET turned_away = 1 WHERE id = $1").bind(subscription)
}

/// The second subscriptions: running ones first, then newest first.
pub(in crate::billing) async fn duplicate_subscriptions(
    pool: &db::Pool,
    most: i64,
) -> Result<Vec<DuplicateSubscription>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT subscriptions.id, subscriptions.customer_id, status, is_second, fetched_at, stripe_customers.user_id,
                (SELECT MIN(currency) FROM paid_invoices WHERE subscription_id = subscriptions.id) AS currency,
                (SELECT CAST(SUM(amount_paid) AS BIGINT) FROM paid_invoices
                 WHERE subscription_id = subscriptions.id) AS paid,
                (SELECT CAST(COALESCE(SUM(refunds.amount), 0) AS BIGINT)
                 FROM refunds JOIN paid_invoices ON paid_invoices.id = refunds.invoice_id
                 WHERE subscription_id = subscriptions.id AND refunds.status = 'succeeded') AS refunded
         FROM subscriptions JOIN stripe_customers ON stripe_customers.id = subscriptions.customer_id
         WHERE is_second = 1 OR turned_away = 1
         ORDER BY is_second DESC, fetched_at DESC, subscriptions.id LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let account: Option<String> = row.try_get("user_id")?;
            let currency: Option<String> = row.try_get("currency")?;
            let paid: Option<i64> = row.try_get("paid")?;
            let paid = paid.unwrap_or_default() - row.try_get::<i64, _>("refunded")?;
            Ok(DuplicateSubscription {
                id: row.try_get("id")?,
                customer: row.try_get("customer_id")?,
                account: account.as_deref().map(user_id).transpose()?,
                status: row.try_get("status")?,
                is_running: row.try_get::<i64, _>("is_second")? == 1,
                paid: currency
                    .and_then(|currency| Currency::parse(&currency))
                    .filter(|_| paid != 0)
                    .map(|currency| Money::new(paid, currency)),
                fetched_ms: row.try_get("fetched_at")?,
            })
        })
        .collect()
}
