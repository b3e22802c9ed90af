//! Checkout: starts a trial or a subscription on Stripe's page, and reports the state of a Checkout session.

use tracking::PlanInterval;
use uuid::Uuid;

use super::handoff::StripeHandoff;
use super::store::{self, ClickAction, ClickRecord, StripeCustomer};
use super::stripe::{CheckoutRequest, CheckoutSession};
use super::{Billing, BillingError, customer_email, present_ids_of};
use crate::accounts::User;
use crate::attribution;
use crate::visitor::Visitor;

/// What a click on "Start trial" orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The billing interval.
    pub interval: PlanInterval,
    /// The ID of the submitted form. It is the click event's insert ID and Stripe's idempotency key.
    pub click: Uuid,
}

/// State of a Checkout session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutState {
    /// The Checkout page can still be completed.
    Open {
        /// URL of Stripe's page.
        url: String,
    },
    /// The page was completed, and the subscription is in our database.
    Done,
    /// The page was completed, and Stripe's webhook has not been applied yet.
    AwaitingWebhook,
    /// The session has expired, or a newer one replaced it.
    Expired,
    /// Stripe cannot be reached at the moment.
    Unknown,
}

impl Billing {
    /// Creates a Checkout session and returns the URL of its page. The session offers a trial without a card, unless
    /// the account has already had a trial. Fails if a subscription is running or suspended. The account's other open
    /// sessions are expired first, so that it cannot get two subscriptions.
    pub async fn start_checkout(
        &self,
        user: &User,
        order: Order,
        visitor: &Visitor,
    ) -> Result<String, BillingError> {
        let subscriptions = store::subscriptions(self.db.pool(), user.id).await?;
        if subscriptions.iter().any(store::StoredSubscription::grants_pro) {
            return Err(BillingError::AlreadySubscribed);
        }
        if subscriptions.iter().any(|stored| stored.suspension().is_some()) {
            return Err(BillingError::Suspended);
        }
        let had_trial = subscriptions
            .iter()
            .any(|stored| stored.subscription.trial_start.is_some());
        let record = self
            .record_click(
                ClickAction::Checkout,
                &ClickRecord {
                    click: order.click,
                    handoff: StripeHandoff::new(
                        user.id,
                        &present_ids_of(visitor),
                        self.clock.now_ms(),
                        Some(tracking::InsertId::existing(order.click)),
                    ),
                    consented: visitor.tracking.is_some(),
                    interval: Some(order.interval),
                    trial_days: (!had_trial).then_some(self.trial_days),
                    checkout: None,
                    checkout_closed: false,
                },
            )
            .await?;
        if let (Some((_, url)), false) = (&record.checkout, record.checkout_closed) {
            return Ok(url.clone());
        }
        self.close_other_checkouts(user, order.click, &subscriptions)
            .await?;
        let session = match self.create_session(user, order, &record).await {
            // The second attempt creates another customer.
            Err(BillingError::CustomerDeleted) => self.create_session(user, order, &record).await?,
            session => session?,
        };
        let url = session.url.ok_or(BillingError::StalePage)?;
        let mut tx = self.db.write().await?;
        store::set_checkout(&mut tx, order.click, &session.id, &url).await?;
        tx.commit().await?;
        Ok(url)
    }

    /// The state of a Checkout session of this account. `None` if the account has no such session. Grants nothing: the
    /// plan changes only when a webhook is applied.
    pub async fn checkout_state(
        &self,
        user: &User,
        checkout: &str,
    ) -> Result<Option<CheckoutState>, BillingError> {
        let Some(record) = store::checkout_of(self.db.pool(), user.id, checkout).await? else {
            return Ok(None);
        };
        let session = match self.stripe.checkout(checkout).await {
            Ok(session) => session,
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "cannot read a Checkout session");
                return Ok(Some(CheckoutState::Unknown));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Some(match (session.status.as_str(), session.url) {
            ("open", Some(url)) => CheckoutState::Open { url },
            ("complete", _) => {
                let subscriptions = store::subscriptions(self.db.pool(), user.id).await?;
                let has_subscription = subscriptions
                    .iter()
                    .any(|stored| Some(&stored.subscription.id) == session.subscription.as_ref());
                if has_subscription && !record.checkout_closed {
                    self.close(checkout).await?;
                }
                if has_subscription {
                    CheckoutState::Done
                } else {
                    CheckoutState::AwaitingWebhook
                }
            }
            _ => CheckoutState::Expired,
        }))
    }

    async fn create_session(
        &self,
        user: &User,
        order: Order,
        record: &ClickRecord,
    ) -> Result<CheckoutSession, BillingError> {
        let customer = self.customer_for(user).await?.id;
        let catalog = self.catalog().await?;
        let request = CheckoutRequest {
            customer: &customer,
            price: catalog.price(record.interval.unwrap_or(order.interval)),
            trial_days: record.trial_days,
            metadata: record.metadata(),
            success_url: self.site_url("billing/return?checkout={CHECKOUT_SESSION_ID}"),
            cancel_url: self.site_url("pricing"),
        };
        // A repeated key must have the same parameters, so each customer has its own.
        let key = format!("{}:{customer}", order.click);
        let created = self.stripe.create_checkout(&key, request).await;
        self.check_customer(user.id, &customer, created).await
    }

    pub(super) async fn record_click(
        &self,
        action: ClickAction,
        record: &ClickRecord,
    ) -> Result<ClickRecord, BillingError> {
        let mut tx = self.db.write().await?;
        let record = store::record_click(&mut tx, action, record).await?;
        if let Some(handoff) = record.as_ref().map(|record| &record.handoff)
            && let (Some(session), Some(context)) = (handoff.session, &handoff.context)
            && action == ClickAction::Checkout
        {
            attribution::record_session_touch(&mut tx, handoff.account, session, context, handoff.at_ms)
                .await?;
        }
        tx.commit().await?;
        record.ok_or(BillingError::StalePage)
    }

    /// An absolute URL of the app. It may contain Stripe's placeholder, so the path is not encoded.
    pub(super) fn site_url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url)
    }

    async fn customer_for(&self, user: &User) -> Result<StripeCustomer, BillingError> {
        // Read first, so that these are deleted ones if there is no current one.
        let known = store::customer_ids(self.db.pool(), user.id).await?;
        if let Some(customer) = store::customer_of(self.db.pool(), user.id).await? {
            return Ok(customer);
        }
        let created = self.stripe.customers_of(user.id).await?;
        let earlier = created.into_iter().find(|customer| !known.contains(customer));
        let is_new = earlier.is_none();
        let id = match earlier {
            Some(id) => id,
            None => {
                self.stripe
                    .create_customer(user.id, &user.email, known.len())
                    .await?
            }
        };
        let mut tx = self.db.write().await?;
        let now_ms = self.clock.now_ms();
        let Some(email) = customer_email::lock_email(&mut tx, user.id).await? else {
            drop(tx);
            // The account was deleted meanwhile, and its deletion does not know this customer.
            self.stripe.delete_customer(&id).await?;
            return Err(BillingError::StalePage);
        };
        store::insert_customer(&mut tx, &id, user.id, now_ms).await?;
        // The address changed since the customer was created with the previous one.
        if !is_new || email != user.email {
            customer_email::enqueue(&mut tx, user.id, now_ms).await?;
        }
        tx.commit().await?;
        self.customer(user.id).await
    }

    async fn close_other_checkouts(
        &self,
        user: &User,
        click: Uuid,
        subscriptions: &[store::StoredSubscription],
    ) -> Result<(), BillingError> {
        for checkout in store::open_checkouts(self.db.pool(), user.id, click).await? {
            let session = self.stripe.expire_checkout(&checkout).await?;
            // The session's subscription may be in our database although the browser never returned from Checkout.
            let is_known = subscriptions
                .iter()
                .any(|stored| Some(&stored.subscription.id) == session.subscription.as_ref());
            // The page was completed just now. Stop here, so that the account does not get a second subscription.
            if session.status == "complete" && !is_known {
                return Err(BillingError::CheckoutCompleted { checkout });
            }
            self.close(&checkout).await?;
        }
        Ok(())
    }

    async fn close(&self, checkout: &str) -> Result<(), BillingError> {
        let mut tx = self.db.write().await?;
        store::close_checkout(&mut tx, checkout).await?;
        tx.commit().await?;
        Ok(())
    }
}
