//! SQL of the timeline: the facts that a person's events are held against.

use db::Db;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};
use tracking::verdict::{
    ConsentChange, Ended, Facts, NotedHandoff, Payment, Refund, Scripted, Undelivered, Way,
};
use tracking::{Choice, Consent, Currency, DeviceId, Money, SessionId, UserId};

/// Most rows of a kind; a person has far fewer.
const MOST: i64 = 10_000;

/// Everything that is known of the person.
pub(super) async fn facts(db: &Db, user: UserId) -> Result<Facts, sqlx::Error> {
    let pool = db.pool();
    let undelivered = outbox::undelivered_of(db, user).await?;
    Ok(Facts {
        handoffs: handoffs(pool, user).await?,
        payments: payments(pool, user).await?,
        refunds: refunds(pool, user).await?,
        ends: ends(pool, user).await?,
        consent: consent(pool, user).await?,
        scripted: scripted(pool, user).await?,
        undelivered: undelivered.into_iter().map(undelivered_event).collect(),
        read_from_ms: None,
    })
}

/// Clicks and visits to the portal.
async fn handoffs(pool: &AnyPool, user: UserId) -> Result<Vec<NotedHandoff>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT click AS id, action AS way, device_id, session_id, created_at
         FROM handoffs WHERE user_id = $1 AND consented = 1
         UNION ALL
         SELECT id, 'portal' AS way, device_id, session_id, created_at
         FROM portal_visits WHERE user_id = $1
         ORDER BY created_at DESC LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| handoff(row, user)).collect()
}

fn handoff(row: &AnyRow, user: UserId) -> Result<NotedHandoff, sqlx::Error> {
    let way: String = row.try_get("way")?;
    let device: Option<String> = row.try_get("device_id")?;
    let session: Option<i64> = row.try_get("session_id")?;
    Ok(NotedHandoff {
        way: match way.as_str() {
            "checkout" => Way::Checkout,
            "cancel" => Way::Cancel,
            "resume" => Way::Resume,
            "change" => Way::Change,
            "portal" => Way::Portal,
            other => return Err(unreadable(format!("unknown handoff {other}"))),
        },
        id: row.try_get("id")?,
        account: user,
        device: device.as_deref().and_then(DeviceId::parse),
        session: session.and_then(SessionId::from_ms),
        at_ms: row.try_get("created_at")?,
    })
}

async fn payments(pool: &AnyPool, user: UserId) -> Result<Vec<Payment>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT paid_invoices.id, paid_invoices.currency, paid_invoices.amount_paid, paid_invoices.paid_at
         FROM paid_invoices JOIN stripe_customers ON stripe_customers.id = paid_invoices.customer_id
         WHERE stripe_customers.user_id = $1 ORDER BY paid_invoices.paid_at LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let payment = |row: &AnyRow| {
        Ok(Payment {
            invoice: row.try_get("id")?,
            account: user,
            amount: money(row, "amount_paid")?,
            // Stripe's moments are seconds.
            paid_at_ms: row.try_get::<i64, _>("paid_at")?.saturating_mul(1_000),
        })
    };
    rows.iter().map(payment).collect()
}

async fn refunds(pool: &AnyPool, user: UserId) -> Result<Vec<Refund>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT refunds.id, refunds.currency, refunds.amount, refunds.status
         FROM refunds JOIN stripe_customers ON stripe_customers.id = refunds.customer_id
         WHERE stripe_customers.user_id = $1 ORDER BY refunds.id LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let refund = |row: &AnyRow| {
        Ok(Refund {
            refund: row.try_get("id")?,
            account: user,
            amount: money(row, "amount")?,
            succeeded: row.try_get::<String, _>("status")? == "succeeded",
        })
    };
    rows.iter().map(refund).collect()
}

async fn ends(pool: &AnyPool, user: UserId) -> Result<Vec<Ended>, sqlx::Error> {
    let objects: Vec<String> = sqlx::query_scalar(
        "SELECT subscriptions.object
         FROM subscriptions JOIN stripe_customers ON stripe_customers.id = subscriptions.customer_id
         WHERE stripe_customers.user_id = $1 ORDER BY subscriptions.id LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let ended = objects.iter().filter_map(|object| {
        let object: Value = serde_json::from_str(object).ok()?;
        Some(Ended {
            subscription: object["id"].as_str()?.to_owned(),
            ended_at_ms: object["ended_at"].as_i64()?.saturating_mul(1_000),
        })
    });
    Ok(ended.collect())
}

fn money(row: &AnyRow, amount: &str) -> Result<Money, sqlx::Error> {
    let currency: String = row.try_get("currency")?;
    let currency =
        Currency::parse(&currency).ok_or_else(|| unreadable(format!("no currency: {currency}")))?;
    Ok(Money::new(row.try_get(amount)?, currency))
}

/// What the account said, oldest first. A yes that came with the sign-up changed nothing: there was nothing before it. Of a
/// no that was taken back without a yes nobody knows until when it held.
async fn consent(pool: &AnyPool, user: UserId) -> Result<Vec<ConsentChange>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT consent_changes.choice, consent_changes.changed_at, users.consent, users.created_at
         FROM consent_changes JOIN users ON users.id = consent_changes.user_id
         WHERE users.id = $1 ORDER BY consent_changes.changed_at LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let mut changes = Vec::new();
    let mut taken_back = false;
    for row in &rows {
        let at_ms: i64 = row.try_get("changed_at")?;
        let since_sign_up = at_ms <= row.try_get("created_at")?;
        taken_back = Choice::parse(&row.try_get::<String, _>("consent")?) == Choice::Unset;
        let consent = match Choice::parse(&row.try_get::<String, _>("choice")?) {
            Choice::Denied => Consent::Denied,
            Choice::Granted if !since_sign_up => Consent::Granted,
            Choice::Granted | Choice::Unset => continue,
        };
        changes.push(ConsentChange { at_ms, consent });
    }
    if taken_back
        && changes
            .last()
            .is_some_and(|last: &ConsentChange| last.consent == Consent::Denied)
    {
        changes.pop();
    }
    Ok(changes)
}

async fn scripted(pool: &AnyPool, user: UserId) -> Result<Vec<Scripted>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT device_id, session_id FROM sdk_sightings WHERE user_id = $1 ORDER BY seen_at DESC LIMIT $2",
    )
    .bind(user.to_string())
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let mut seen = Vec::new();
    for row in &rows {
        let device = DeviceId::parse(&row.try_get::<String, _>("device_id")?);
        let session = SessionId::from_ms(row.try_get("session_id")?);
        seen.extend(
            device
                .zip(session)
                .map(|(device, session)| Scripted { device, session }),
        );
    }
    Ok(seen)
}

/// Once for each session, whoever tells of it first.
pub(super) async fn insert_sighting(
    db: &Db,
    user: UserId,
    device: &DeviceId,
    session: SessionId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let mut tx = db.write().await?;
    sqlx::query(
        "INSERT INTO sdk_sightings (device_id, session_id, user_id, seen_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (device_id, session_id) DO NOTHING",
    )
    .bind(device.as_str())
    .bind(session.ms())
    .bind(user.to_string())
    .bind(now_ms)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

fn undelivered_event(entry: outbox::OutboxEntry) -> Undelivered {
    let payload: Option<Value> = entry
        .payload
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let property = |key: &str| {
        payload.as_ref()?["event_properties"][key]
            .as_str()
            .map(str::to_owned)
    };
    Undelivered {
        entry: property("refund").or_else(|| property("invoice")),
        insert_id: entry.insert_id,
        parked: entry.parked_reason,
    }
}

fn unreadable(what: String) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}
