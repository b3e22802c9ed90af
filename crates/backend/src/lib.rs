//! The domain actions and their SQL. Native only. It does not depend on pages, routes or cookie names.
//!
//! Each action is one transaction that includes its events, without network calls between begin and commit. The caller
//! passes the visitor's IDs. SQL is only in `store` modules.

pub mod accounts;
pub mod asset_builds;
pub mod attribution;
pub mod billing;
pub mod clock;
pub mod config;
pub mod dates;
mod export;
pub mod hex;
pub mod ids;
mod key_list;
pub mod limits;
pub mod loss;
pub mod mail;
mod network_key;
pub mod operations;
pub mod polls;
pub mod retention;
mod revisions;
mod seen_set;
pub mod slots;
pub mod spreadsheet;
pub mod timeline;
mod unwritten;
mod visitor;

pub use export::Export;
pub use network_key::NetworkKey;
pub use visitor::{RequestOrigin, Visitor};

use accounts::Accounts;
use asset_builds::AssetBuilds;
use billing::{Billing, StripeCallError};
use std::sync::Arc;

use clock::Clock;
use db::Db;
use limits::RequestLimits;
use loss::LossMeter;
use mail::Mailbox;
use operations::Operations;
use outbox::Wakeup;
use polls::Polls;
use retention::Retention;
use timeline::Timeline;
use url::Url;

/// Why the backend could not be created.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The Stripe client could not be created.
    #[error(transparent)]
    Stripe(#[from] StripeCallError),
    /// The client that reads events from Amplitude could not be created.
    #[error(transparent)]
    Timeline(#[from] timeline::ReadError),
}

/// All domain actions. Cheap to clone.
#[derive(Clone)]
pub struct Backend {
    /// Accounts and logins.
    pub accounts: Accounts,
    /// Polls.
    pub polls: Polls,
    /// Trials, subscriptions, webhooks.
    pub billing: Billing,
    /// Delivery state and actions for operators.
    pub operations: Operations,
    /// Timelines of events, read from Amplitude.
    pub timeline: Timeline,
    /// Counts of events that browsers sent and that arrived.
    pub loss: LossMeter,
    /// Limits of events, votes and posts that call Stripe.
    pub limits: Arc<RequestLimits>,
    /// Removal of expired rows.
    pub retention: Retention,
    /// Files of the builds in use.
    pub asset_builds: AssetBuilds,
    /// The clock, for request handlers.
    pub clock: Clock,
    /// The page of the Amplitude stand-in. If there is one, all data is on this machine, and any visitor may view any user's
    /// events.
    pub collector_page: Option<String>,
    /// Whether both Amplitude and Stripe are stand-ins on this machine. Every visitor is then an operator.
    pub local_mode: bool,
    /// The public URL of the site.
    pub site: Url,
    /// The mailbox of local mode; `None` if mails are sent over SMTP.
    pub mailbox: Option<Mailbox>,
    db: Db,
}

impl Backend {
    /// Creates all actions on this database. `wakeup` wakes the outbox's dispatcher.
    ///
    /// # Errors
    /// When an HTTP client cannot be created.
    pub fn new(
        config: &config::Config,
        db: &Db,
        clock: &Clock,
        wakeup: Wakeup,
    ) -> Result<Self, BackendError> {
        let loss = LossMeter::new(db.clone(), clock.clone());
        Ok(Self {
            billing: Billing::new(config, db.clone(), clock.clone(), wakeup.clone())?,
            accounts: Accounts::new(
                db.clone(),
                clock.clone(),
                wakeup.clone(),
                config.privacy.track_email,
            )
            .with_limit_factor(config.protection.limit_factor),
            operations: Operations::new(db.clone(), clock.clone(), wakeup.clone()),
            polls: Polls::new(db.clone(), clock.clone(), wakeup, config.privacy.consent_default),
            timeline: Timeline::new(&config.amplitude, db.clone(), clock.clone())?.with_counts(loss.clone()),
            loss,
            limits: Arc::new(RequestLimits::new(config.protection.limit_factor)),
            retention: Retention::new(db.clone(), clock.clone(), config.data.outbox_keep_days),
            asset_builds: AssetBuilds::new(db.clone(), clock.clone()),
            clock: clock.clone(),
            collector_page: config.amplitude.collector_page(),
            local_mode: config.is_local_mode(),
            site: config.http.public_url.clone(),
            mailbox: config.mail.smtp.is_none().then(|| Mailbox::new(db.clone())),
            db: db.clone(),
        })
    }
}
