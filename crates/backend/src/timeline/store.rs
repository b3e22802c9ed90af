//! SQL of the timeline: the facts to check a user's events against.

use db::Db;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};
use tracking::verdict::{
    ConsentChange, DisputeRecord, EndedSubscription, HandoffKind, NotedHandoff, PaymentRecord, RefundRecord,
    SdkSession, TimelineFacts, UndeliveredEvent,
};
use tracking::{Choice, Consent, Currency, DeviceId, Money, SessionId, UserId};

use crate::attribution::first_touch;

/// The most rows of each kind. Users have far fewer.
const MAX_ROWS: i64 = 10_000;

/// All facts about the user.
pub(super) async fn facts(db: &Db, user: UserId) -> Result<TimelineFacts, sqlx::Error> {
    let pool = db.pool();
    let undelivered = outbox::undelivered_of(db, user).await?;
    Ok(TimelineFacts {
        handoffs: handoffs(pool, user).await?,
        payments: payments(pool, user).await?,
        refunds: refunds(pool, user).await?,
        disputes: disputes(pool, user).await?,
        ended_subscriptions: ended_subscriptions(pool, user).await?,
        consent: consent(pool, user).await?,
        first_touch: first_touch(pool, user).await?,
        sdk_sessions: sdk_sessions(pool, user).await?,
        undelivered: undelivered.into_iter().map(undelivered_event).collect(),
        read_from_ms: None,
    })
}

/// Recorded clicks and portal visits.
async fn handoffs(pool: &AnyPool, user: UserId) -> Result<Vec<NotedHandoff>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT click AS id, action AS kind, device_id, session_id, created_at,
                CAST(CASE WHEN context IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_context
         FROM handoffs WHERE user_id = $1 AND consented = 1
         UNION ALL
         SELECT id, 'portal' AS kind, device_id, session_id, created_at,
                CAST(CASE WHEN context IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_context
         FROM portal_visits WHERE user_id = $1
         ORDER BY created_at DESC LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MAX_ROWS)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| handoff(row, user)).collect()
}

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

async fn payments(pool: &AnyPool, user: UserId) -> Result<Vec<PaymentRecord>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT paid_invoices.id, paid_invoices.currency, paid_invoices.amount_paid, paid_invoices.paid_at
         FROM paid_invoices JOIN stripe_customers ON stripe_customers.id = paid_invoices.customer_id
         WHERE stripe_customers.user_id = $1 ORDER BY paid_invoices.paid_at LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MAX_ROWS)
    .fetch_all(pool)
    .await?;
    let payment = |row: &AnyRow| {
        Ok(PaymentRecord {
            invoice: row.try_get("id")?,
            account: user,
            amount: money(row, "amount_paid")?,
            // Stripe's times are in seconds.
            paid_at_ms: row.try_get::<i64, _>("paid_at")?.saturating_mul(1_000),
        })
    };
    rows.iter().map(payment).collect()
}

async fn refunds(pool: &AnyPool, user: UserId) -> Result<Vec<RefundRecord>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT refunds.id, refunds.currency, refunds.amount, refunds.status
         FROM refunds JOIN stripe_customers ON stripe_customers.id = refunds.customer_id
         WHERE stripe_customers.user_id = $1 ORDER BY refunds.id LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MAX_ROWS)
    .fetch_all(pool)
    .await?;
    let refund = |row: &AnyRow| {
        Ok(RefundRecord {
            refund: row.try_get("id")?,
            account: user,
            amount: money(row, "amount")?,
            succeeded: row.try_get::<String, _>("status")? == "succeeded",
        })
    };
    rows.iter().map(refund).collect()
}

/// Lost disputes.
async fn disputes(pool: &AnyPool, user: UserId) -> Result<Vec<DisputeRecord>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT disputes.id, disputes.currency, disputes.amount
         FROM disputes JOIN stripe_customers ON stripe_customers.id = disputes.customer_id
         WHERE stripe_customers.user_id = $1 AND disputes.status = 'lost' ORDER BY disputes.id LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MAX_ROWS)
    .fetch_all(pool)
    .await?;
    let dispute = |row: &AnyRow| {
        Ok(DisputeRecord {
            dispute: row.try_get("id")?,
            account: user,
            amount: money(row, "amount")?,
        })
    };
    rows.iter().map(dispute).collect()
}

async fn ended_subscriptions(pool: &AnyPool, user: UserId) -> Result<Vec<EndedSubscription>, sqlx::Error> {
    let objects: Vec<String> = sqlx::query_scalar(
        "SELECT subscriptions.object
         FROM subscriptions JOIN stripe_customers ON stripe_customers.id = subscriptions.customer_id
         WHERE stripe_customers.user_id = $1 ORDER BY subscriptions.id LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MAX_ROWS)
    .fetch_all(pool)
    .await?;
    let ended = objects.iter().filter_map(|object| {
        let object: Value = serde_json::from_str(object).ok()?;
        Some(EndedSubscription {
            subscription: object["id"].as_str()?.to_owned(),
            ended_at_ms: object["ended_at"].as_i64()?.saturating_mul(1_000),
        })
    });
    Ok(ended.collect())
}

fn money(row: &AnyRow, amount: &str) -> Result<Money, sqlx::Error> {
    let currency: String = row.try_get("currency")?;
    let currency =
        Currency::parse(&currency).ok_or_else(|| unreadable(format!("unknown currency {currency}")))?;
    Ok(Money::new(row.try_get(amount)?, currency))
}

/// The account's consent changes, oldest first. Consent given with the sign-up is not a change. A final denial that was
/// later reset is omitted, because the time of the reset is unknown.
async fn consent(pool: &AnyPool, user: UserId) -> Result<Vec<ConsentChange>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT consent_changes.choice, consent_changes.changed_at, users.consent, users.created_at
         FROM consent_changes JOIN users ON users.id = consent_changes.user_id
         WHERE users.id = $1 ORDER BY consent_changes.changed_at LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MAX_ROWS)
    .fetch_all(pool)
    .await?;
    let mut changes = Vec::new();
    let mut was_reset = false;
    for row in &rows {
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

async fn sdk_sessions(pool: &AnyPool, user: UserId) -> Result<Vec<SdkSession>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT device_id, session_id FROM sdk_sightings WHERE user_id = $1 ORDER BY seen_at DESC LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MAX_ROWS)
    .fetch_all(pool)
    .await?;
    let mut seen = Vec::new();
    for row in &rows {
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
