//! SQL of touches, and of the campaign report.

use db::Statement;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use tracking::{Currency, DeviceId, FirstTouch, Money, SessionId, Touch, UserId};

use super::report::{CampaignFigure, TouchModel};

/// By how many seconds the touch of an order may be later than the payment, because Stripe's clock differs from ours.
const SKEW_SECS: i64 = 300;

/// The statement that inserts the account's first touch if it has none, with what the SDK has reported for the device.
pub(crate) fn insert_first_touch(user: UserId, first: &FirstTouch) -> Statement {
    Statement::new(
        "INSERT INTO first_touches (user_id, device_id, touch, campaign, touched_ms, sdk_campaign)
         VALUES ($1, $2, $3, $4, $5,
                 (SELECT sdk_campaign FROM browser_counts
                  WHERE device_id = $2 AND sdk_campaign IS NOT NULL ORDER BY session_id LIMIT 1))
         ON CONFLICT (user_id) DO NOTHING",
    )
    .bind(user.to_string())
    .bind(first.device.as_str())
    .bind(json(&first.touch))
    .bind(first.touch.label())
    .bind(first.at_ms)
}

/// The statement that inserts the touch of a session, or replaces it.
pub(super) fn insert_session_touch(
    user: UserId,
    session: SessionId,
    touch: &Touch,
    now_ms: i64,
) -> Statement {
    Statement::new(
        "INSERT INTO last_touches (user_id, session_id, campaign, touched_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, session_id) DO UPDATE SET campaign = excluded.campaign",
    )
    .bind(user.to_string())
    .bind(session.ms())
    .bind(touch.label())
    .bind(now_ms)
}

/// Records the first touch that the SDK reported for a device. Later reports change nothing.
pub(crate) async fn record_sdk_campaign(
    connection: &mut db::Connection,
    device: &DeviceId,
    campaign: &str,
) -> Result<(), sqlx::Error> {
    for sql in [
        "UPDATE browser_counts SET sdk_campaign = $2 WHERE device_id = $1 AND sdk_campaign IS NULL",
        "UPDATE first_touches SET sdk_campaign = $2 WHERE device_id = $1 AND sdk_campaign IS NULL",
    ] {
        sqlx::query(sql)
            .bind(device.as_str())
            .bind(campaign)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The statement that reads the account's first touch. [`read_first_touch`] reads its rows.
pub(crate) fn first_touch_of(user: UserId) -> Statement {
    Statement::new("SELECT device_id, touch, touched_ms FROM first_touches WHERE user_id = $1")
        .bind(user.to_string())
}

/// Reads the rows of [`first_touch_of`].
pub(crate) fn read_first_touch(rows: &[AnyRow]) -> Result<Option<FirstTouch>, sqlx::Error> {
    let Some(row) = rows.first() else { return Ok(None) };
    let device = DeviceId::parse(&row.try_get::<String, _>("device_id")?);
    let touch = serde_json::from_str(&row.try_get::<String, _>("touch")?).ok();
    let at_ms = row.try_get("touched_ms")?;
    Ok(device
        .zip(touch)
        .map(|(device, touch)| FirstTouch { touch, device, at_ms }))
}

/// Deletes the touches of the account, and the contexts of its clicks.
pub(crate) async fn erase(connection: &mut db::Connection, user: UserId) -> Result<(), sqlx::Error> {
    for sql in [
        "DELETE FROM first_touches WHERE user_id = $1",
        "DELETE FROM last_touches WHERE user_id = $1",
        "UPDATE handoffs SET context = NULL, address = NULL WHERE user_id = $1",
        "UPDATE portal_visits SET context = NULL WHERE user_id = $1",
        "UPDATE browser_counts SET sdk_campaign = NULL WHERE user_id = $1",
    ] {
        sqlx::query(sql)
            .bind(user.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// One figure of the report for each campaign. A campaign of `None` was not recorded.
pub(super) async fn figures(
    pool: &db::Pool,
    model: TouchModel,
) -> Result<Vec<(Option<String>, CampaignFigure)>, sqlx::Error> {
    let mut figures = Vec::new();
    let sign_ups = format!(
        "SELECT {} AS campaign, COUNT(*) AS accounts
         FROM users LEFT JOIN first_touches ON first_touches.user_id = users.id
         WHERE users.deleted_at IS NULL GROUP BY 1",
        campaign(model, "users.id", "users.created_at"),
    );
    for row in sqlx::query(AssertSqlSafe(sign_ups)).fetch_all(pool).await? {
        figures.push((
            row.try_get("campaign")?,
            CampaignFigure::SignUps(row.try_get("accounts")?),
        ));
    }
    let trials = format!(
        "SELECT {} AS campaign, COUNT(*) AS trials,
                CAST(SUM(CASE WHEN EXISTS (
                    SELECT 1 FROM paid_invoices
                    WHERE subscription_id = subscriptions.id AND paid_at >= subscriptions.trial_end_secs
                ) THEN 1 ELSE 0 END) AS BIGINT) AS conversions
         FROM subscriptions {OWNER} ON stripe_customers.id = subscriptions.customer_id {FIRST_TOUCH}
         WHERE trial_end_secs IS NOT NULL GROUP BY 1",
        campaign(model, "stripe_customers.user_id", "trial_end_secs * 1000"),
    );
    for row in sqlx::query(AssertSqlSafe(trials)).fetch_all(pool).await? {
        figures.push((
            row.try_get("campaign")?,
            CampaignFigure::Trials(row.try_get("trials")?),
        ));
        figures.push((
            row.try_get("campaign")?,
            CampaignFigure::Conversions(row.try_get("conversions")?),
        ));
    }
    let paid_ms = format!("(paid_invoices.paid_at + {SKEW_SECS}) * 1000");
    let campaign = campaign(model, "stripe_customers.user_id", &paid_ms);
    let revenue = format!(
        "SELECT {campaign} AS campaign, paid_invoices.currency, CAST(SUM(amount_paid) AS BIGINT) AS amount
         FROM paid_invoices {OWNER} ON stripe_customers.id = paid_invoices.customer_id {FIRST_TOUCH}
         WHERE amount_paid <> 0 GROUP BY 1, 2",
    );
    let reversed = |table: &str, status: &str| {
        format!(
            "SELECT {campaign} AS campaign, {table}.currency, CAST(SUM(amount) AS BIGINT) AS amount
             FROM {table} {OWNER} ON stripe_customers.id = {table}.customer_id {FIRST_TOUCH}
             LEFT JOIN paid_invoices ON paid_invoices.id = {table}.invoice_id
             WHERE {table}.status = '{status}' GROUP BY 1, 2",
        )
    };
    for (sql, figure) in [
        (revenue, CampaignFigure::Revenue as fn(Money) -> CampaignFigure),
        (reversed("refunds", "succeeded"), CampaignFigure::Refunds),
        (reversed("disputes", "lost"), CampaignFigure::Refunds),
    ] {
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await? {
            let currency: String = row.try_get("currency")?;
            let currency = Currency::parse(&currency)
                .ok_or_else(|| sqlx::Error::Decode(format!("unknown currency {currency}").into()))?;
            let amount = Money::new(row.try_get("amount")?, currency);
            figures.push((row.try_get("campaign")?, figure(amount)));
        }
    }
    Ok(figures)
}

const OWNER: &str = "JOIN stripe_customers";
const FIRST_TOUCH: &str = "LEFT JOIN first_touches ON first_touches.user_id = stripe_customers.user_id";

/// The campaign of the account `user` at `at_ms`, as an SQL expression.
fn campaign(model: TouchModel, user: &str, at_ms: &str) -> String {
    match model {
        TouchModel::First => "first_touches.campaign".to_owned(),
        TouchModel::SdkFirst => "first_touches.sdk_campaign".to_owned(),
        TouchModel::Last => format!(
            "COALESCE((SELECT last_touches.campaign FROM last_touches
                       WHERE last_touches.user_id = {user} AND last_touches.touched_ms <= {at_ms}
                       ORDER BY last_touches.touched_ms DESC LIMIT 1), first_touches.campaign)"
        ),
    }
}

fn json(touch: &Touch) -> String {
    // A map of texts can always be serialized.
    serde_json::to_string(touch).unwrap_or_default()
}
