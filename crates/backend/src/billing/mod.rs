//! Billing: trials, subscriptions, payments and refunds at Stripe.
//!
//! Pure functions read Stripe's payloads, derive an account's plan, pass the IDs of a click through Stripe, and map
//! webhooks to events. The actions on [`Billing`] send requests to Stripe; they write only the record of the click. The
//! workers of [`inbox`] apply webhooks. A subscription in our database changes only when a webhook is applied.

mod billing_mail;
mod change;
mod checkout;
mod clock_skew;
pub mod customer_email;
mod deleted_customer;
mod error;
mod event_time;
pub mod handoff;
pub mod inbox;
pub mod ledger;
pub mod mapping;
mod overview;
pub mod payload;
pub mod plan;
mod replay;
mod store;
mod stripe;
mod stripe_clock;

pub use checkout::{CheckoutState, Order};
pub use clock_skew::{CLOCK_TOLERANCE_MS, ClockSkew};
pub use error::BillingError;
pub use overview::{BillingOverview, SubscriptionOverview};
pub use payload::RecurringPrice;
pub use plan::SuspensionReason;
pub use replay::{EVENTS_KEPT_SECS, EventReplay, EventReplayError};
pub use store::{DuplicateSubscription, PaidInvoice};
pub use stripe::{Catalog, MONTHLY, StripeCallError, StripeClient, WebhookEndpoint, YEARLY, plan_price};
pub use stripe_clock::{ClockTarget, StripeClock, StripeClockError};

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use outbox::Wakeup;
use secrecy::SecretString;
use tokio::sync::OnceCell;
use tracking::{ConsentDefault, UserId};
use url::Url;

use crate::clock::Clock;
use crate::config::Config;
use crate::revisions::{Revision, Revisions};
use crate::unwritten::UnwrittenCounts;
use crate::visitor::Visitor;
use clock_skew::ClockSkewMeter;
use inbox::{Arrivals, ParsedWebhooks, PendingNotOurs, WebhookObservation, WebhookObserver};
use plan::PlanProduct;
use store::StripeCustomer;

/// The billing actions. Cheap to clone.
#[derive(Clone)]
pub struct Billing {
    db: Db,
    clock: Clock,
    wakeup: Wakeup,
    stripe: StripeClient,
    catalog: Arc<OnceCell<Catalog>>,
    webhook_secrets: Arc<[SecretString]>,
    consent_default: ConsentDefault,
    trial_days: u32,
    public_url: Url,
    pages: Arc<[String]>,
    stripe_clock: Option<StripeClock>,
    /// Wakes a webhook worker of this process.
    arrived: Wakeup,
    /// Wakes the pages of an account whose webhook was applied.
    revisions: Revisions,
    arrivals: Arc<Arrivals>,
    parsed: Arc<ParsedWebhooks>,
    not_ours: Arc<UnwrittenCounts<PendingNotOurs>>,
    clock_skew: ClockSkewMeter,
    observer: WebhookObserver,
}

impl Billing {
    /// Creates the actions for Stripe, or for its stand-in.
    ///
    /// # Errors
    /// When the key or the URL is not valid in an HTTP request.
    pub fn new(config: &Config, db: Db, clock: Clock, wakeup: Wakeup) -> Result<Self, StripeCallError> {
        Ok(Self {
            revisions: Revisions::new(db.clone(), store::REVISIONS),
            db,
            clock,
            wakeup,
            stripe: StripeClient::new(&config.stripe)?,
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
                .map_err(|error| StripeCallError::InvalidRequest(error.to_string()))?,
            arrived: Wakeup::new(),
            arrivals: Arc::default(),
            parsed: Arc::default(),
            not_ours: Arc::default(),
            clock_skew: ClockSkewMeter::default(),
            observer: WebhookObserver::default(),
        })
    }

    /// Calls `observer` for each webhook that is stored, and after each attempt to apply one. Clones that were made before
    /// do not.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(WebhookObservation<'_>) + Send + Sync + 'static) -> Self {
        self.observer = WebhookObserver::new(observer);
        self
    }

    /// Length of the trial in days.
    pub const fn trial_days(&self) -> u32 {
        self.trial_days
    }

    /// Origins of Stripe's hosted pages, to which forms of the app redirect.
    pub fn hosted_pages(&self) -> &[String] {
        &self.pages
    }

    /// The stand-in's clock; `None` with a real key.
    pub const fn stripe_clock(&self) -> Option<&StripeClock> {
        self.stripe_clock.as_ref()
    }

    /// How many webhooks of the account have been applied. It only grows.
    pub async fn revision(&self, account: UserId) -> Result<i64, sqlx::Error> {
        store::revision(self.db.pool(), account).await
    }

    /// Waits until the account's revision exceeds `revision`, or until `most` has passed. Returns whether it was
    /// exceeded.
    pub async fn wait_for_change(&self, account: UserId, revision: i64, most: Duration) -> bool {
        let mut watched = self.revisions.watch(&account.to_string());
        let exceeded = watched.wait_for(|now| matches!(now, Revision::At(now) if *now > revision));
        matches!(tokio::time::timeout(most, exceeded).await, Ok(Ok(_)))
    }

    /// Deletes the account's customers at Stripe, which ends their subscriptions at once, and then our copy of their
    /// data. Safe to repeat after a failure.
    pub async fn erase(&self, account: UserId) -> Result<(), BillingError> {
        for customer in store::customer_ids(self.db.pool(), account).await? {
            self.stripe.delete_customer(&customer).await?;
        }
        let mut tx = self.db.write().await?;
        store::erase(&mut tx, account, self.clock.now_ms()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The products and prices. Creates missing ones in test mode. With a live key it returns
    /// [`BillingError::NoCatalog`] instead, because `seamline setup-stripe` creates them.
    async fn catalog(&self) -> Result<&Catalog, BillingError> {
        self.catalog
            .get_or_try_init(|| async {
                match self.stripe.catalog().await? {
                    Some(catalog) => Ok(catalog),
                    None if self.stripe.is_live() => Err(BillingError::NoCatalog),
                    None => Ok(self.stripe.create_catalog().await?),
                }
            })
            .await
    }

    /// The product that is the plan. Its ID is unknown while a live Stripe account has no catalog.
    async fn plan_product(&self) -> Result<PlanProduct, BillingError> {
        let id = match self.catalog().await {
            Ok(catalog) => Some(catalog.product.clone()),
            Err(BillingError::NoCatalog) => None,
            Err(error) => return Err(error),
        };
        Ok(PlanProduct {
            id,
            lookup_keys: stripe::lookup_keys().map(str::to_owned).to_vec(),
        })
    }

    /// [`Self::plan_product`] if this process has read the catalog already.
    fn read_plan_product(&self) -> Option<PlanProduct> {
        Some(PlanProduct {
            id: Some(self.catalog.get()?.product.clone()),
            lookup_keys: stripe::lookup_keys().map(str::to_owned).to_vec(),
        })
    }

    async fn customer(&self, account: UserId) -> Result<StripeCustomer, BillingError> {
        let customer = store::customer_of(self.db.pool(), account).await?;
        customer.ok_or(BillingError::NotSubscribed)
    }
}

/// The IDs and the context of a request, for the handoff of a click.
fn present_ids_of(visitor: &Visitor) -> tracking::PresentIds {
    visitor.present_ids().unwrap_or(tracking::PresentIds::Unknown)
}
