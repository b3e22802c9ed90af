//! The export of all data that the app stores about a user.

mod store;

use serde::Serialize;
use serde_json::Value;
use tracking::{FirstTouch, UserId};
use uuid::Uuid;

use crate::Backend;
use crate::accounts::Login;
use crate::attribution::{first_touch_of, read_first_touch};

/// The exported data. Times are in ISO 8601, UTC.
#[derive(Debug, Serialize)]
pub struct Export {
    exported_at: String,
    account: Account,
    logins: Vec<LoginRow>,
    polls: Vec<Poll>,
    votes: Vec<Vote>,
    stripe: Stripe,
    tracking: Tracking,
}

#[derive(Debug, Serialize)]
struct Account {
    id: UserId,
    email: String,
    email_verified_at: Option<String>,
    account_type: String,
    tracking_consent: String,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct LoginRow {
    id: Uuid,
    began_at: String,
    last_seen_at: String,
    browser: String,
    ended_at: Option<String>,
    ended_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct Poll {
    id: Uuid,
    question: String,
    options: Vec<String>,
    multiple_choice: bool,
    created_at: String,
    closes_at: Option<String>,
    closed_at: Option<String>,
    deleted_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct Vote {
    id: Uuid,
    poll: Uuid,
    question: String,
    choices: Vec<String>,
    cast_at: String,
    changed_at: String,
}

/// Data from Stripe, and the clicks that opened Stripe's pages.
#[derive(Debug, Serialize)]
struct Stripe {
    customers: Vec<String>,
    payments: Vec<Payment>,
    refunds: Vec<Refund>,
    disputes: Vec<Dispute>,
    clicks: Vec<Click>,
}

/// Amounts are in minor units.
#[derive(Debug, Serialize)]
struct Payment {
    invoice: String,
    subscription: String,
    currency: String,
    amount_minor: i64,
    paid_at: String,
}

#[derive(Debug, Serialize)]
struct Refund {
    refund: String,
    invoice: String,
    currency: String,
    amount_minor: i64,
    status: String,
}

#[derive(Debug, Serialize)]
struct Dispute {
    dispute: String,
    invoice: String,
    currency: String,
    amount_minor: i64,
    status: String,
}

#[derive(Debug, Serialize)]
struct Click {
    action: String,
    device: Option<String>,
    session: Option<i64>,
    /// Browser, page and campaign of the click.
    context: Option<Value>,
    /// The network address, while it is kept.
    address: Option<String>,
    at: String,
}

/// Tracking data that the app stores besides events.
#[derive(Debug, Serialize)]
struct Tracking {
    consent_changes: Vec<ConsentChange>,
    browser_sessions: Vec<BrowserSession>,
    /// Where the user came from first.
    first_touch: Option<FirstTouch>,
    last_touches: Vec<LastTouch>,
}

/// Where a session came from in which the user signed up or ordered.
#[derive(Debug, Serialize)]
struct LastTouch {
    session: i64,
    campaign: String,
    at: String,
}

#[derive(Debug, Serialize)]
struct ConsentChange {
    choice: String,
    at: String,
}

/// A session, with the number of events that the browser sent and that Amplitude received.
#[derive(Debug, Serialize)]
struct BrowserSession {
    device: String,
    session: i64,
    sdk_ran: bool,
    fired: i64,
    arrived: i64,
}

impl Backend {
    /// Returns the user's data. It excludes the password hash, secrets, data on Stripe's own pages, and events at
    /// Amplitude, which the timeline shows.
    pub async fn export(&self, login: &Login) -> Result<Export, sqlx::Error> {
        let pool = self.db.pool();
        let user = login.user.id;
        let first_touch = first_touch_of(user).fetch(&mut *pool.acquire().await?).await?;
        Ok(Export {
            exported_at: crate::dates::instant(self.clock.now_ms()),
            account: store::account(pool, user).await?,
            logins: store::logins(pool, user).await?,
            polls: store::polls(pool, user).await?,
            votes: store::votes(pool, user).await?,
            stripe: Stripe {
                customers: store::billing::customers(pool, user).await?,
                payments: store::billing::payments(pool, user).await?,
                refunds: store::billing::refunds(pool, user).await?,
                disputes: store::billing::disputes(pool, user).await?,
                clicks: store::billing::clicks(pool, user).await?,
            },
            tracking: Tracking {
                consent_changes: store::tracking::consent_changes(pool, user).await?,
                browser_sessions: store::tracking::sessions(pool, user).await?,
                first_touch: read_first_touch(&first_touch)?,
                last_touches: store::tracking::last_touches(pool, user).await?,
            },
        })
    }
}
