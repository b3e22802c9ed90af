//! SQL of the timeline: the facts to check a user's events against.

use db::{Db, Statement};
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::loss::Loss;
use tracking::verdict::{
    ConsentChange, DisputeRecord, EndedSubscription, HandoffKind, NotedHandoff, PaymentRecord, RefundRecord,
    SdkSession, TimelineFacts, UndeliveredEvent,
};
use tracking::{Choice, Consent, Currency, DeviceId, Money, SessionId, UserId};

use crate::attribution::{first_touch_of, read_first_touch};
use crate::loss::{LossScope, loss_of, read_loss};

/// The most rows of a query. Users have far fewer.
const MAX_ROWS: i64 = 10_000;

/// All facts about the user, and the loss of browser events.
pub(super) async fn facts_and_loss(db: &Db, user: UserId) -> Result<(TimelineFacts, Loss), sqlx::Error> {
    let connection = &mut *db.pool().acquire().await?;
    let of_user = |sql: &'static str| Statement::new(sql).bind(user.to_string()).bind(MAX_ROWS);
    let statements = [
        outbox::undelivered_of(user),
        of_user(HANDOFFS),
        of_user(MONEY),
        of_user(SUBSCRIPTIONS),
        of_user(CONSENT_CHANGES),
        first_touch_of(user),
        of_user(SDK_SESSIONS),
        loss_of(&LossScope::User(user)),
    ];
    let [
        undelivered,
        handoff_rows,
        money,
        subscriptions,
        consent_changes,
        first_touch,
        sdk_sessions,
        loss,
    ] = db::fetch_all(connection, statements).await?;
    let money = money_records(&money, user)?;
    let facts = TimelineFacts {
        handoffs: handoff_rows
            .iter()
            .map(|row| handoff(row, user))
            .collect::<Result<_, _>>()?,
        payments: money.payments,
        refunds: money.refunds,
        disputes: money.disputes,
        ended_subscriptions: ended_subscriptions(&subscriptions)?,
        consent: consent(&consent_changes)?,
        first_touch: read_first_touch(&first_touch)?,
        sdk_sessions: seen_sessions(&sdk_sessions)?,
        undelivered: outbox::read_entries(&undelivered)?
            .into_iter()
            .map(undelivered_event)
            .collect(),
        read_from_ms: None,
    };
    Ok((facts, read_loss(&loss)?))
}

/// Recorded clicks and portal visits.
const HANDOFFS: &str = "
    SELECT click AS id, action AS kind, device_id, session_id, created_at,
           CAST(CASE WHEN context IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_context
    FROM handoffs WHERE user_id = $1 AND consented = 1
    UNION ALL
    SELECT id, 'portal' AS kind, device_id, session_id, created_at,
           CAST(CASE WHEN context IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_context
    FROM portal_visits WHERE user_id = $1
    ORDER BY created_at DESC LIMIT $2";

fn handoff(row: &AnyRow, user: UserId) -> Result<NotedHandoff, sqlx::Error> {
    let kind: String = row.try_get("kind")?;
    let device: Option<String> = row.try_get("device_id")?;
    let session: Option<i64> = row.try_get("session_id")?;
    Ok(NotedHandoff {
        kind: match kind.as_str() {
            "checkout" => HandoffKind::Checkout,
            "cancel" => HandoffKind::Cancel,
            "resume" => HandoffKind::Resume,
            "change" => HandoffKind::Change,
            "portal" => HandoffKind::Portal,
            other => return Err(unreadable(format!("unknown handoff {other}"))),
        },
        id: row.try_get("id")?,
        account: user,
        device: device.as_deref().and_then(DeviceId::parse),
        session: session.and_then(SessionId::from_ms),
        at_ms: row.try_get("created_at")?,
        has_context: row.try_get::<i64, _>("has_context")? == 1,
    })
}

/// Money that was paid, and money that went back.
#[derive(Default)]
struct MoneyRecords {
    payments: Vec<PaymentRecord>,
    refunds: Vec<RefundRecord>,
    /// Lost disputes.
    disputes: Vec<DisputeRecord>,
}

const MONEY: &str = "
    SELECT 'payment' AS kind, paid_invoices.id AS record, currency, amount_paid AS amount, paid_at, '' AS status
    FROM paid_invoices JOIN stripe_customers ON stripe_customers.id = customer_id WHERE user_id = $1
    UNION ALL
    SELECT 'refund' AS kind, refunds.id AS record, currency, amount, 0 AS paid_at, status
    FROM refunds JOIN stripe_customers ON stripe_customers.id = customer_id WHERE user_id = $1
    UNION ALL
    SELECT 'dispute' AS kind, disputes.id AS record, currency, amount, 0 AS paid_at, status
    FROM disputes JOIN stripe_customers ON stripe_customers.id = customer_id
    WHERE user_id = $1 AND status = 'lost'
    ORDER BY kind, paid_at, record LIMIT $2";

fn money_records(rows: &[AnyRow], user: UserId) -> Result<MoneyRecords, sqlx::Error> {
    let mut records = MoneyRecords::default();
    for row in rows {
        let (id, amount) = (row.try_get("record")?, money(row)?);
        match row.try_get::<String, _>("kind")?.as_str() {
            "payment" => records.payments.push(PaymentRecord {
                invoice: id,
                account: user,
                amount,
                // Stripe's times are in seconds.
                paid_at_ms: row.try_get::<i64, _>("paid_at")?.saturating_mul(1_000),
            }),
            "refund" => records.refunds.push(RefundRecord {
                refund: id,
                account: user,
                amount,
                succeeded: row.try_get::<String, _>("status")? == "succeeded",
            }),
            _ => records.disputes.push(DisputeRecord {
                dispute: id,
                account: user,
                amount,
            }),
        }
    }
    Ok(records)
}

const SUBSCRIPTIONS: &str = "
    SELECT subscriptions.object
    FROM subscriptions JOIN stripe_customers ON stripe_customers.id = subscriptions.customer_id
    WHERE stripe_customers.user_id = $1 ORDER BY subscriptions.id LIMIT $2";

fn ended_subscriptions(rows: &[AnyRow]) -> Result<Vec<EndedSubscription>, sqlx::Error> {
    let objects = rows.iter().map(|row| row.try_get("object"));
    let objects: Vec<&str> = objects.collect::<Result<_, _>>()?;
    let ended = objects.iter().filter_map(|object| {
        let object: Value = serde_json::from_str(object).ok()?;
        Some(EndedSubscription {
            subscription: object["id"].as_str()?.to_owned(),
            ended_at_ms: object["ended_at"].as_i64()?.saturating_mul(1_000),
        })
    });
    Ok(ended.collect())
}

fn money(row: &AnyRow) -> Result<Money, sqlx::Error> {
    let currency: String = row.try_get("currency")?;
    let currency =
        Currency::parse(&currency).ok_or_else(|| unreadable(format!("unknown currency {currency}")))?;
    Ok(Money::new(row.try_get("amount")?, currency))
}

const CONSENT_CHANGES: &str = "
    SELECT consent_changes.choice, consent_changes.changed_at, users.consent, users.created_at
    FROM consent_changes JOIN users ON users.id = consent_changes.user_id
    WHERE users.id = $1 ORDER BY consent_changes.changed_at LIMIT $2";

/// The account's consent changes, oldest first. Consent given with the sign-up is not a change. A final denial that was
/// later reset is omitted, because the time of the reset is unknown.
fn consent(rows: &[AnyRow]) -> Result<Vec<ConsentChange>, sqlx::Error> {
    let mut changes = Vec::new();
    let mut was_reset = false;
    for row in rows {
        let at_ms: i64 = row.try_get("changed_at")?;
        let since_sign_up = at_ms <= row.try_get("created_at")?;
        was_reset = Choice::parse(&row.try_get::<String, _>("consent")?) == Choice::Unset;
        let consent = match Choice::parse(&row.try_get::<String, _>("choice")?) {
            Choice::Denied => Consent::Denied,
            Choice::Granted if !since_sign_up => Consent::Granted,
            Choice::Granted | Choice::Unset => continue,
        };
        changes.push(ConsentChange { at_ms, consent });
    }
    if was_reset
        && changes
            .last()
            .is_some_and(|last: &ConsentChange| last.consent == Consent::Denied)
    {
        changes.pop();
    }
    Ok(changes)
}

const SDK_SESSIONS: &str =
    "SELECT device_id, session_id FROM sdk_sightings WHERE user_id = $1 ORDER BY seen_at DESC LIMIT $2";

fn seen_sessions(rows: &[AnyRow]) -> Result<Vec<SdkSession>, sqlx::Error> {
    let mut seen = Vec::new();
    for row in rows {
        let device = DeviceId::parse(&row.try_get::<String, _>("device_id")?);
        let session = SessionId::from_ms(row.try_get("session_id")?);
        seen.extend(
            device
                .zip(session)
                .map(|(device, session)| SdkSession { device, session }),
        );
    }
    Ok(seen)
}

fn undelivered_event(entry: outbox::OutboxEntry) -> UndeliveredEvent {
    let payload: Option<Value> = entry
        .payload
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let property = |key: &str| {
        payload.as_ref()?["event_properties"][key]
            .as_str()
            .map(str::to_owned)
    };
    UndeliveredEvent {
        entry: ["refund", "dispute", "invoice"].into_iter().find_map(property),
        insert_id: entry.insert_id,
        parked: entry.parked_reason,
    }
}

fn unreadable(what: String) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}
