//! Domain verbs and their SQL. Native only; knows nothing of pages, routes or cookies' names.
//!
//! A verb is one transaction with its events inside, and no network between begin and commit. Time and the visitor's IDs
//! come in as arguments. SQL stands in files named `store.rs`.

pub mod accounts;
mod backoff;
pub mod billing;
pub mod clock;
pub mod config;
pub mod dates;
mod export;
pub mod hex;
pub mod ids;
pub mod loss;
pub mod mail;
mod once;
pub mod operations;
pub mod polls;
pub mod timeline;
mod visitor;

pub use export::Export;
pub use visitor::Visitor;

use accounts::{Accounts, User};
use billing::{Billing, StripeFault};
use clock::Clock;
use db::Db;
use loss::LossMeter;
use mail::Mailbox;
use mail::settings::Admins;
use operations::Operations;
use outbox::Nudge;
use polls::Polls;
use timeline::Timeline;
use url::Url;

/// Why the verbs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The client for Stripe.
    #[error(transparent)]
    Stripe(#[from] StripeFault),
    /// The client for reading events back.
    #[error(transparent)]
    Timeline(#[from] timeline::ReadError),
}

/// All verbs in one handle. Cheap to clone.
#[derive(Clone)]
pub struct Backend {
    /// Accounts and logins.
    pub accounts: Accounts,
    /// Polls.
    pub polls: Polls,
    /// Trials, subscriptions, webhooks.
    pub billing: Billing,
    /// What an operator looks at.
    pub operations: Operations,
    /// Events, read back.
    pub timeline: Timeline,
    /// What browsers fire and what of it arrives.
    pub loss: LossMeter,
    /// The time, for those at the edge.
    pub clock: Clock,
    /// The page of the stand-in for Amplitude. With one, everything is on this machine, and everybody may look at
    /// everybody's events.
    pub collector_page: Option<String>,
    /// Everything is on this machine, Stripe too: whoever uses it operates it.
    pub local_mode: bool,
    /// Where browsers find the site.
    pub site: Url,
    /// Where mails of local mode are kept; `None`: they are sent.
    pub mailbox: Option<Mailbox>,
    db: Db,
    admins: Admins,
}

impl Backend {
    /// Over this database; `nudge` wakes the outbox after a commit.
    pub fn new(config: &config::Config, db: &Db, clock: &Clock, nudge: Nudge) -> Result<Self, BackendError> {
        Ok(Self {
            billing: Billing::new(config, db.clone(), clock.clone(), nudge.clone())?,
            accounts: Accounts::new(
                db.clone(),
                clock.clone(),
                nudge.clone(),
                config.privacy.track_email,
            ),
            operations: Operations::new(db.clone(), clock.clone(), nudge.clone()),
            polls: Polls::new(db.clone(), clock.clone(), nudge, config.privacy.consent_default),
            timeline: Timeline::new(&config.amplitude, db.clone(), clock.clone())?,
            loss: LossMeter::new(db.clone(), clock.clone()),
            clock: clock.clone(),
            collector_page: config.amplitude.collector_page(),
            local_mode: config.is_local_mode(),
            site: config.http.public_url.clone(),
            mailbox: config.mail.smtp.is_none().then(|| Mailbox::new(db.clone())),
            db: db.clone(),
            admins: config.mail.admins.clone(),
        })
    }

    /// Whether somebody may look at everybody's affairs: a link in a mail to one of the operators' addresses was used.
    pub fn is_admin(&self, user: &User) -> bool {
        user.verified && self.admins.includes(&user.email)
    }
}
