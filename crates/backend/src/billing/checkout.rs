//! "Start trial": to Stripe's Checkout page, and what the page that it returns to may say.

use tracking::Interval;
use uuid::Uuid;

use super::handoff::Handoff;
use super::plan::{Plan, plan};
use super::store::{self, Action, Customer, Noted};
use super::stripe::Offer;
use super::{Billing, BillingError, ids_of};
use crate::accounts::User;
use crate::visitor::Visitor;

/// What a click on "Start trial" asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// How often it is to be paid.
    pub interval: Interval,
    /// The form's own ID: the click event's insert ID, and Stripe's idempotency key.
    pub click: Uuid,
}

/// Where a Checkout session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutState {
    /// Its page can still be completed, there.
    Open {
        /// Stripe's page.
        url: String,
    },
    /// It was completed, and what it began is in our records.
    Done,
    /// It was completed, and Stripe's webhook is awaited.
    Waiting,
    /// It ran out, or was replaced by a newer one.
    Expired,
    /// Stripe cannot be asked right now.
    Unknown,
}

impl Billing {
    /// Makes a Checkout session and answers with the URL of its page. It is a trial, without a card, unless the account
    /// has had one. The account's other open sessions are closed, so that it cannot end up with two subscriptions.
    pub async fn start_checkout(
        &self,
        user: &User,
        order: Order,
        visitor: &Visitor,
    ) -> Result<String, BillingError> {
        let subscriptions = store::subscriptions(self.db.pool(), user.id).await?;
        let running = |mirrored: &&store::Mirrored| plan(&mirrored.subscription.status) == Plan::Pro;
        if subscriptions.iter().any(|mirrored| running(&mirrored)) {
            return Err(BillingError::AlreadySubscribed);
        }
        let had_trial = subscriptions
            .iter()
            .any(|mirrored| mirrored.subscription.trial_start.is_some());
        let noted = self
            .note(
                Action::Checkout,
                &Noted {
                    click: order.click,
                    handoff: Handoff::new(
                        user.id,
                        ids_of(visitor),
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
        if let (Some((_, url)), false) = (&noted.checkout, noted.checkout_closed) {
            return Ok(url.clone());
        }
        self.close_other_checkouts(user, order.click, &subscriptions)
            .await?;
        let customer = self.customer_for(user).await?;
        let session = {
            let catalog = self.catalog().await?;
            let offer = Offer {
                customer: &customer.id,
                price: catalog.price(noted.interval.unwrap_or(order.interval)),
                trial_days: noted.trial_days,
                metadata: noted.metadata(),
                success_url: self.page("billing/return?checkout={CHECKOUT_SESSION_ID}"),
                cancel_url: self.page("pricing"),
            };
            self.stripe.make_checkout(&order.click.to_string(), offer).await?
        };
        let url = session.url.ok_or(BillingError::StalePage)?;
        let mut tx = self.db.write().await?;
        store::keep_checkout(&mut tx, order.click, &session.id, &url).await?;
        tx.commit().await?;
        Ok(url)
    }

    /// How a Checkout session of this account stands. `None`: it has no such session. Grants nothing: what somebody
    /// may use follows from webhooks alone.
    pub async fn checkout_state(
        &self,
        user: &User,
        checkout: &str,
    ) -> Result<Option<CheckoutState>, BillingError> {
        let Some(noted) = store::checkout_of(self.db.pool(), user.id, checkout).await? else {
            return Ok(None);
        };
        let session = match self.stripe.checkout(checkout).await {
            Ok(session) => session,
            Err(fault) if fault.is_passing() => {
                tracing::warn!(%fault, "cannot ask for a Checkout session");
                return Ok(Some(CheckoutState::Unknown));
            }
            Err(fault) => return Err(fault.into()),
        };
        Ok(Some(match (session.status.as_str(), session.url) {
            ("open", Some(url)) => CheckoutState::Open { url },
            ("complete", _) => {
                let subscriptions = store::subscriptions(self.db.pool(), user.id).await?;
                let begun = subscriptions
                    .iter()
                    .any(|mirrored| Some(&mirrored.subscription.id) == session.subscription.as_ref());
                if begun && !noted.checkout_closed {
                    self.close(checkout).await?;
                }
                if begun {
                    CheckoutState::Done
                } else {
                    CheckoutState::Waiting
                }
            }
            _ => CheckoutState::Expired,
        }))
    }

    pub(super) async fn note(&self, action: Action, noted: &Noted) -> Result<Noted, BillingError> {
        let mut tx = self.db.write().await?;
        let noted = store::note(&mut tx, action, noted).await?;
        tx.commit().await?;
        noted.ok_or(BillingError::StalePage)
    }

    /// An absolute URL of ours. Stripe's placeholder must stay as it is.
    pub(super) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.public_url)
    }

    async fn customer_for(&self, user: &User) -> Result<Customer, BillingError> {
        if let Some(customer) = store::customer_of(self.db.pool(), user.id).await? {
            return Ok(customer);
        }
        let id = self.stripe.make_customer(user.id, &user.email).await?;
        let mut tx = self.db.write().await?;
        store::insert_customer(&mut tx, &id, user.id, self.clock.now_ms()).await?;
        tx.commit().await?;
        self.customer(user.id).await
    }

    async fn close_other_checkouts(
        &self,
        user: &User,
        click: Uuid,
        subscriptions: &[store::Mirrored],
    ) -> Result<(), BillingError> {
        for checkout in store::open_checkouts(self.db.pool(), user.id, click).await? {
            let session = self.stripe.expire_checkout(&checkout).await?;
            // What came of it may have ended long ago, without anybody returning from its page.
            let is_known = subscriptions
                .iter()
                .any(|mirrored| Some(&mirrored.subscription.id) == session.subscription.as_ref());
            // Its page was completed just now: a second subscription is the last thing that anybody wants.
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
