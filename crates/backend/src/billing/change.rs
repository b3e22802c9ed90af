//! Changes to a running subscription: cancellation, interval, card. Each action sends one request to Stripe. The
//! subscription in our database changes when Stripe's webhook is applied; the click's IDs travel in the metadata of the
//! same request.

use std::collections::BTreeMap;

use tracking::PlanInterval;
use uuid::Uuid;

use super::handoff::{PortalVisit, StripeHandoff};
use super::overview::current_subscription;
use super::payload::{StripeStatus, Subscription};
use super::plan::SuspensionReason;
use super::store::{self, ClickAction, ClickRecord, StoredSubscription};
use super::{Billing, BillingError, present_ids_of, stripe};
use crate::accounts::User;
use crate::visitor::Visitor;

impl ClickRecord {
    /// Metadata for a new subscription. Empty without consent.
    pub(super) fn metadata(&self) -> BTreeMap<String, String> {
        if self.consented {
            self.handoff.metadata()
        } else {
            BTreeMap::new()
        }
    }

    /// Metadata for a subscription that may contain the IDs of an earlier click.
    fn replacement_metadata(&self) -> BTreeMap<String, String> {
        if self.consented {
            self.handoff.replacement_metadata()
        } else {
            StripeHandoff::removal_metadata()
        }
    }
}

impl Billing {
    /// Schedules the subscription to end with the current period, or the trial with its last day. Does nothing if an
    /// end is already scheduled. A suspended subscription ends at once.
    pub async fn cancel(&self, user: &User, click: Uuid, visitor: &Visitor) -> Result<(), BillingError> {
        let stored = self.not_ended(user).await?;
        let is_suspended = stored.suspension().is_some();
        let subscription = stored.subscription;
        if is_suspended {
            self.record_change(ClickAction::Cancel, user, click, visitor)
                .await?;
            let canceled = self.stripe.cancel_now(&subscription.id).await;
            return self
                .check_customer(user.id, &subscription.customer, canceled)
                .await;
        }
        if subscription.is_scheduled_to_end() {
            return Ok(());
        }
        let record = self
            .record_change(ClickAction::Cancel, user, click, visitor)
            .await?;
        let metadata = record.replacement_metadata();
        let scheduled = self
            .stripe
            .schedule_cancellation(&click.to_string(), &subscription, metadata)
            .await;
        self.check_customer(user.id, &subscription.customer, scheduled)
            .await
    }

    /// Undoes a scheduled cancellation, from the app or from the portal. Does nothing if no end is scheduled. A paused
    /// subscription starts a new period, which is charged at once.
    ///
    /// # Errors
    /// [`BillingError::ChangeNotAllowed`] if a paused subscription has no card, or if it is suspended for another reason.
    pub async fn resume(&self, user: &User, click: Uuid, visitor: &Visitor) -> Result<(), BillingError> {
        let stored = self.not_ended(user).await?;
        if let Some(reason) = stored.suspension() {
            return self
                .resume_suspended(user, click, visitor, &stored.subscription, reason)
                .await;
        }
        let subscription = stored.subscription;
        if !subscription.is_scheduled_to_end() {
            return Ok(());
        }
        let record = self
            .record_change(ClickAction::Resume, user, click, visitor)
            .await?;
        let metadata = record.replacement_metadata();
        let undone = self
            .stripe
            .undo_cancellation(&click.to_string(), &subscription, metadata)
            .await;
        self.check_customer(user.id, &subscription.customer, undone).await
    }

    /// Changes a monthly subscription to yearly, effective at once.
    ///
    /// # Errors
    /// [`BillingError::ChangeNotAllowed`] if the subscription does not have the monthly price of the catalog, is scheduled to end,
    /// or has a failed payment.
    pub async fn change_to_yearly(
        &self,
        user: &User,
        click: Uuid,
        visitor: &Visitor,
    ) -> Result<(), BillingError> {
        let subscription = self.not_ended(user).await?.subscription;
        if !may_change_to_yearly(&subscription) {
            return Err(BillingError::ChangeNotAllowed);
        }
        let record = self
            .record_change(ClickAction::Change, user, click, visitor)
            .await?;
        let catalog = self.catalog().await?;
        let changed = self
            .stripe
            .change_price(
                &click.to_string(),
                &subscription,
                &catalog.yearly,
                record.replacement_metadata(),
            )
            .await;
        self.check_customer(user.id, &subscription.customer, changed)
            .await
    }

    async fn resume_suspended(
        &self,
        user: &User,
        click: Uuid,
        visitor: &Visitor,
        subscription: &Subscription,
        reason: SuspensionReason,
    ) -> Result<(), BillingError> {
        let has_card = self.customer(user.id).await?.has_card || subscription.payment_method.is_some();
        if reason != SuspensionReason::Paused || !has_card {
            return Err(BillingError::ChangeNotAllowed);
        }
        // No metadata: the payment's event is one that no person causes.
        self.record_change(ClickAction::Resume, user, click, visitor)
            .await?;
        let resumed = self
            .stripe
            .resume_paused(&click.to_string(), &subscription.id)
            .await;
        self.check_customer(user.id, &subscription.customer, resumed)
            .await
    }

    /// Opens a session of Stripe's portal and returns its URL. With `add_card`, the portal opens its card form. `visit`
    /// is the ID of the submitted form.
    pub async fn open_portal(
        &self,
        user: &User,
        visit: Uuid,
        add_card: bool,
        visitor: &Visitor,
    ) -> Result<String, BillingError> {
        let customer = self.customer(user.id).await?;
        let catalog = self.catalog().await?;
        let handoff = StripeHandoff::new(user.id, &present_ids_of(visitor), self.clock.now_ms(), None);
        let opened = self
            .stripe
            .open_portal(
                &visit.to_string(),
                &customer.id,
                &catalog.portal,
                &self.site_url("billing"),
                add_card,
            )
            .await;
        let url = self.check_customer(user.id, &customer.id, opened).await?;
        // Recorded before the redirect, so that every change made in the portal is later than the visit.
        let visit = PortalVisit {
            id: visit,
            account: user.id,
            device: handoff.device,
            session: handoff.session,
            at_ms: handoff.at_ms,
            context: handoff.context,
        };
        let mut tx = self.db.write().await?;
        store::insert_portal_visit(&mut tx, &visit).await?;
        tx.commit().await?;
        Ok(url)
    }

    async fn record_change(
        &self,
        action: ClickAction,
        user: &User,
        click: Uuid,
        visitor: &Visitor,
    ) -> Result<ClickRecord, BillingError> {
        self.record_click(
            action,
            &ClickRecord {
                click,
                handoff: StripeHandoff::new(user.id, &present_ids_of(visitor), self.clock.now_ms(), None),
                consented: visitor.tracking.is_some(),
                interval: None,
                trial_days: None,
                checkout: None,
                checkout_closed: false,
            },
        )
        .await
    }

    /// The subscription that the billing page shows. Fails if it has ended.
    async fn not_ended(&self, user: &User) -> Result<StoredSubscription, BillingError> {
        let subscriptions = store::subscriptions(self.db.pool(), user.id).await?;
        current_subscription(&subscriptions)
            .filter(|stored| stored.grants_pro() || stored.suspension().is_some())
            .cloned()
            .ok_or(BillingError::NotSubscribed)
    }
}

/// Whether the subscription has the catalog's monthly price and no other item, is not scheduled to end, collects payments,
/// and has no failed payment.
pub(super) fn may_change_to_yearly(subscription: &Subscription) -> bool {
    let monthly = stripe::lookup_key(PlanInterval::Month);
    let is_monthly = match subscription.terms.items.as_slice() {
        [item] => item.price.lookup_key.as_deref() == Some(monthly),
        _ => false,
    };
    is_monthly
        && !subscription.terms.is_collection_paused
        && !subscription.is_scheduled_to_end()
        && matches!(subscription.status, StripeStatus::Trialing | StripeStatus::Active)
}
