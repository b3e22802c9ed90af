//! Billing: from a click on "Start trial" to the last renewal.
//!
//! Two halves. The decisions are functions of values: what Stripe's payloads say, which plan a subscription gives, how the
//! IDs of a click travel through Stripe, which events a webhook becomes. Around them stand the verbs that ask Stripe for
//! something (they change nothing of ours but a note of the click), and the inbox, whose workers apply what Stripe tells.
//! A subscription changes here by webhook only.

mod change;
mod checkout;
mod error;
pub mod handoff;
pub mod inbox;
pub mod ledger;
pub mod mapping;
mod overview;
pub mod payload;
pub mod plan;
mod store;
mod stripe;
mod stripe_clock;

pub use checkout::{CheckoutState, Order};
pub use error::BillingError;
pub use overview::{Overview, Standing};
pub use store::{PaidInvoice, TurnedAway};
pub use stripe::{Catalog, MONTHLY, Stripe, StripeFault, YEARLY};
pub use stripe_clock::{Jump, StripeClock, StripeClockError};

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use outbox::Wakeup;
use secrecy::SecretString;
use tokio::sync::{Notify, OnceCell};
use tracking::{ConsentDefault, UserId};
use url::Url;

use crate::clock::Clock;
use crate::config::Config;
use crate::visitor::Visitor;
use store::Customer;

/// How often a page that waits looks for what another server applied.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The verbs. Cheap to clone.
#[derive(Clone)]
pub struct Billing {
    db: Db,
    clock: Clock,
    wakeup: Wakeup,
    stripe: Stripe,
    catalog: Arc<OnceCell<Catalog>>,
    webhook_secrets: Arc<[SecretString]>,
    consent_default: ConsentDefault,
    trial_days: u32,
    public_url: Url,
    pages: Arc<[String]>,
    stripe_clock: Option<StripeClock>,
    /// Wakes a worker of this process.
    arrived: Arc<Notify>,
    /// Something was applied by this process.
    changed: Arc<Notify>,
}

impl Billing {
    /// For Stripe, or the stand-in, of this configuration.
    ///
    /// # Errors
    /// A key or a URL that no request can carry.
    pub fn new(config: &Config, db: Db, clock: Clock, wakeup: Wakeup) -> Result<Self, StripeFault> {
        Ok(Self {
            db,
            clock,
            wakeup,
            stripe: Stripe::new(&config.stripe)?,
            catalog: Arc::default(),
            webhook_secrets: config.stripe.webhook_secrets.clone().into(),
            consent_default: config.privacy.consent_default,
            trial_days: config.stripe.trial_days,
            public_url: config.http.public_url.clone(),
            pages: config.stripe.pages.clone().into(),
            stripe_clock: config
                .stripe
                .api_url
                .as_ref()
                .map(StripeClock::new)
                .transpose()
                .map_err(|error| StripeFault::Misuse(error.to_string()))?,
            arrived: Arc::default(),
            changed: Arc::default(),
        })
    }

    /// Length of the trial, in days.
    pub const fn trial_days(&self) -> u32 {
        self.trial_days
    }

    /// Origins of Stripe's own pages, to which forms of ours lead.
    pub fn hosted_pages(&self) -> &[String] {
        &self.pages
    }

    /// The stand-in's clock, where there is one.
    pub const fn stripe_clock(&self) -> Option<&StripeClock> {
        self.stripe_clock.as_ref()
    }

    /// How much of the account's was applied so far: a number that only grows.
    pub async fn revision(&self, account: UserId) -> Result<i64, sqlx::Error> {
        let customer = store::customer_of(self.db.pool(), account).await?;
        Ok(customer.map_or(0, |customer| customer.revision))
    }

    /// Waits until more than `revision` was applied of the account's, or for as long as `most`. `true`: something was.
    pub async fn wait_for_change(
        &self,
        account: UserId,
        revision: i64,
        most: Duration,
    ) -> Result<bool, sqlx::Error> {
        let deadline = tokio::time::Instant::now() + most;
        loop {
            // Listening begins before the look, or what happens in between would go unheard.
            let changed = self.changed.notified();
            if self.revision(account).await? > revision {
                return Ok(true);
            }
            let now = tokio::time::Instant::now();
            if now >= deadline {
                return Ok(false);
            }
            let next_look = (now + LOOK_EVERY).min(deadline);
            // Another server may have applied it.
            let _ = tokio::time::timeout_at(next_look, changed).await;
        }
    }

    /// Forgets what Stripe told of an account that is being deleted, after Stripe has been told to forget it too: with its
    /// customer go its subscriptions, at once. May be called again after any failure.
    pub async fn erase(&self, account: UserId) -> Result<(), BillingError> {
        let Some(customer) = store::customer_of(self.db.pool(), account).await? else {
            return Ok(());
        };
        self.stripe.delete_customer(&customer.id).await?;
        let mut tx = self.db.write().await?;
        store::erase(&mut tx, account, self.clock.now_ms()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What is for sale. Made where it is missing, but never with a live key: `seamline setup-stripe` does that.
    async fn catalog(&self) -> Result<&Catalog, BillingError> {
        self.catalog
            .get_or_try_init(|| async {
                match self.stripe.catalog().await? {
                    Some(catalog) => Ok(catalog),
                    None if self.stripe.is_live() => Err(BillingError::NoCatalog),
                    None => Ok(self.stripe.make_catalog().await?),
                }
            })
            .await
    }

    async fn customer(&self, account: UserId) -> Result<Customer, BillingError> {
        let customer = store::customer_of(self.db.pool(), account).await?;
        customer.ok_or(BillingError::NotSubscribed)
    }
}

/// The IDs of a request, as a click hands them over.
fn ids_of(visitor: &Visitor) -> &tracking::PresentIds {
    visitor
        .tracking
        .as_ref()
        .unwrap_or(&tracking::PresentIds::Unknown)
}
