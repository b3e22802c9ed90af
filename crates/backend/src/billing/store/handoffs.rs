//! SQL of recorded clicks and of visits to Stripe's portal.

use db::Statement;
use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::{DeviceId, EventContext, InsertId, PlanInterval, SessionId, UserId};
use uuid::Uuid;

use super::user_id;
use crate::billing::handoff::{PortalVisit, StripeHandoff};

/// The action of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::billing) enum ClickAction {
    Checkout,
    Cancel,
    Resume,
    Change,
}

impl ClickAction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Cancel => "cancel",
            Self::Resume => "resume",
            Self::Change => "change",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Checkout, Self::Cancel, Self::Resume, Self::Change];
        all.into_iter().find(|action| action.as_str() == text)
    }
}

/// A click as it was first recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::billing) struct ClickRecord {
    pub(in crate::billing) click: Uuid,
    pub(in crate::billing) handoff: StripeHandoff,
    /// Whether consent was given. Without it none of the IDs are sent to Stripe.
    pub(in crate::billing) consented: bool,
    pub(in crate::billing) interval: Option<PlanInterval>,
    pub(in crate::billing) trial_days: Option<u32>,
    /// ID and URL of its Checkout session, once created.
    pub(in crate::billing) checkout: Option<(String, String)>,
    pub(in crate::billing) checkout_closed: bool,
}

/// Records a click and returns it. A repeated click returns the first record. `None` if the ID belongs to another
/// account or action.
pub(in crate::billing) async fn record_click(
    connection: &mut db::Connection,
    action: ClickAction,
    record: &ClickRecord,
) -> Result<Option<ClickRecord>, sqlx::Error> {
    let ClickRecord {
        handoff,
        consented,
        interval,
        trial_days,
        ..
    } = record;
    sqlx::query(
        "INSERT INTO handoffs (click, user_id, action, device_id, session_id, consented, created_at,
                               billing_interval, trial_days, context, address, trace_parent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (click) DO NOTHING",
    )
    .bind(record.click.to_string())
    .bind(handoff.account.to_string())
    .bind(action.as_str())
    .bind(handoff.device.as_ref().map(ToString::to_string))
    .bind(handoff.session.map(SessionId::ms))
    .bind(i64::from(*consented))
    .bind(handoff.at_ms)
    .bind(interval.map(interval_text))
    .bind(trial_days.map(i64::from))
    .bind(handoff.context.as_deref().map(context_json))
    .bind(address(handoff))
    .bind(queue::trace_parent())
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query("SELECT * FROM handoffs WHERE click = $1 AND user_id = $2 AND action = $3")
        .bind(record.click.to_string())
        .bind(handoff.account.to_string())
        .bind(action.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Sets the Checkout session of a click.
pub(in crate::billing) async fn set_checkout(
    connection: &mut db::Connection,
    click: Uuid,
    id: &str,
    url: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE handoffs SET checkout_id = $2, checkout_url = $3 WHERE click = $1")
        .bind(click.to_string())
        .bind(id)
        .bind(url)
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks a Checkout session as closed: it can no longer be completed.
pub(in crate::billing) async fn close_checkout(
    connection: &mut db::Connection,
    id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE handoffs SET checkout_closed = 1 WHERE checkout_id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// IDs of the account's Checkout sessions that may still be open, except that of the click `but`.
pub(in crate::billing) async fn open_checkouts(
    pool: &db::Pool,
    user: UserId,
    but: Uuid,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT checkout_id FROM handoffs
         WHERE user_id = $1 AND checkout_id IS NOT NULL AND checkout_closed = 0 AND click <> $2
         ORDER BY created_at",
    )
    .bind(user.to_string())
    .bind(but.to_string())
    .fetch_all(pool)
    .await
}

/// The account's click that created this Checkout session.
pub(in crate::billing) async fn checkout_of(
    pool: &db::Pool,
    user: UserId,
    checkout: &str,
) -> Result<Option<ClickRecord>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM handoffs WHERE user_id = $1 AND checkout_id = $2")
        .bind(user.to_string())
        .bind(checkout)
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Inserts a portal visit. Does nothing if it exists.
pub(in crate::billing) async fn insert_portal_visit(
    connection: &mut db::Connection,
    visit: &PortalVisit,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO portal_visits (id, user_id, device_id, session_id, created_at, context)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
    )
    .bind(visit.id.to_string())
    .bind(visit.account.to_string())
    .bind(visit.device.as_ref().map(ToString::to_string))
    .bind(visit.session.map(SessionId::ms))
    .bind(visit.at_ms)
    .bind(visit.context.as_deref().map(context_json))
    .execute(connection)
    .await?;
    Ok(())
}

/// The account's visits from `from_ms` to `until_ms` (ms since the epoch).
pub(in crate::billing) async fn portal_visits(
    connection: &mut db::Connection,
    user: UserId,
    from_ms: i64,
    until_ms: i64,
) -> Result<Vec<PortalVisit>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, device_id, session_id, created_at, context FROM portal_visits
         WHERE user_id = $1 AND created_at >= $2 AND created_at <= $3",
    )
    .bind(user.to_string())
    .bind(from_ms)
    .bind(until_ms)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(PortalVisit {
                id: uuid(row, "id")?,
                account: user,
                device: device(row)?,
                session: session(row)?,
                at_ms: row.try_get("created_at")?,
                context: context(row)?,
            })
        })
        .collect()
}

/// The account's clicks from `from_ms` to `until_ms` (ms since the epoch), with their contexts.
pub(in crate::billing) async fn clicks(
    connection: &mut db::Connection,
    user: UserId,
    from_ms: i64,
    until_ms: i64,
) -> Result<Vec<(ClickAction, StripeHandoff)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM handoffs WHERE user_id = $1 AND created_at >= $2 AND created_at <= $3 AND context IS NOT NULL",
    )
    .bind(user.to_string())
    .bind(from_ms)
    .bind(until_ms)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let action: String = row.try_get("action")?;
            let action = ClickAction::parse(&action)
                .ok_or_else(|| sqlx::Error::Decode(format!("unknown action {action}").into()))?;
            Ok((action, read(row)?.handoff))
        })
        .collect()
}

/// Deletes the address of the account's click at `at_ms` (ms since the epoch).
pub(in crate::billing) fn forget_address(user: UserId, at_ms: i64) -> Statement {
    Statement::new("UPDATE handoffs SET address = NULL WHERE user_id = $1 AND created_at = $2")
        .bind(user.to_string())
        .bind(at_ms)
}

/// The W3C `traceparent` of the account's click at `at_ms` (ms since the epoch). `None`, without a query, if this process
/// passes no traces on.
pub(in crate::billing) async fn trace_parent_of(
    connection: &mut db::Connection,
    user: UserId,
    at_ms: i64,
) -> Result<Option<String>, sqlx::Error> {
    if !queue::is_tracing() {
        return Ok(None);
    }
    let found: Option<Option<String>> = sqlx::query_scalar(
        "SELECT trace_parent FROM handoffs WHERE user_id = $1 AND created_at = $2 LIMIT 1",
    )
    .bind(user.to_string())
    .bind(at_ms)
    .fetch_optional(connection)
    .await?;
    Ok(found.flatten())
}

fn context_json(context: &EventContext) -> String {
    // Texts and closed lists always serialise.
    serde_json::to_string(context).unwrap_or_default()
}

fn address(handoff: &StripeHandoff) -> Option<String> {
    let address = handoff.context.as_ref()?.address?;
    Some(address.to_string())
}

fn context(row: &AnyRow) -> Result<Option<Box<EventContext>>, sqlx::Error> {
    let json: Option<String> = row.try_get("context")?;
    Ok(json
        .and_then(|json| serde_json::from_str(&json).ok())
        .map(Box::new))
}

fn read(row: &AnyRow) -> Result<ClickRecord, sqlx::Error> {
    let click = uuid(row, "click")?;
    // Only a Checkout click has a browser event to refer to.
    let action: String = row.try_get("action")?;
    let interval: Option<String> = row.try_get("billing_interval")?;
    let trial_days: Option<i64> = row.try_get("trial_days")?;
    let id: Option<String> = row.try_get("checkout_id")?;
    let url: Option<String> = row.try_get("checkout_url")?;
    let at_ms = row.try_get("created_at")?;
    let address: Option<String> = row.try_get("address")?;
    Ok(ClickRecord {
        click,
        handoff: StripeHandoff {
            account: user_id(row.try_get("user_id")?)?,
            device: device(row)?,
            session: session(row)?,
            at_ms,
            context: context(row)?.map(|context| {
                Box::new(EventContext {
                    address: address.and_then(|text| text.parse().ok()),
                    clicked_ms: Some(at_ms),
                    ..*context
                })
            }),
            click: (action == ClickAction::Checkout.as_str()).then(|| InsertId::existing(click)),
        },
        consented: row.try_get::<i64, _>("consented")? == 1,
        interval: interval.as_deref().and_then(read_interval),
        trial_days: trial_days.and_then(|days| u32::try_from(days).ok()),
        checkout: id.zip(url),
        checkout_closed: row.try_get::<i64, _>("checkout_closed")? == 1,
    })
}

fn uuid(row: &AnyRow, column: &str) -> Result<Uuid, sqlx::Error> {
    Uuid::parse_str(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn device(row: &AnyRow) -> Result<Option<DeviceId>, sqlx::Error> {
    let text: Option<String> = row.try_get("device_id")?;
    Ok(text.as_deref().and_then(DeviceId::parse))
}

fn session(row: &AnyRow) -> Result<Option<SessionId>, sqlx::Error> {
    let ms: Option<i64> = row.try_get("session_id")?;
    Ok(ms.and_then(SessionId::from_ms))
}

const fn interval_text(interval: PlanInterval) -> &'static str {
    match interval {
        PlanInterval::Month => "month",
        PlanInterval::Year => "year",
    }
}

fn read_interval(text: &str) -> Option<PlanInterval> {
    match text {
        "month" => Some(PlanInterval::Month),
        "year" => Some(PlanInterval::Year),
        _ => None,
    }
}
