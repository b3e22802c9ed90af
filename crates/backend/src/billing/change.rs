//! Changes to a running subscription: cancellation, interval, card. Each action sends one request to Stripe. The
//! subscription in our database changes when Stripe's webhook is applied; the click's IDs travel in the metadata of the
//! same request.

use std::collections::BTreeMap;

use tracking::PlanInterval;
use uuid::Uuid;

use super::handoff::{PortalVisit, StripeHandoff};
use super::payload::{StripeStatus, Subscription};
use super::plan::{Plan, plan};
use super::store::{self, ClickAction, ClickRecord};
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
    /// end is already scheduled.
    pub async fn cancel(&self, user: &User, click: Uuid, visitor: &Visitor) -> Result<(), BillingError> {
        let subscription = self.running(user).await?;
        if subscription.is_scheduled_to_end() {
            return Ok(());
        }
        let record = self
            .record_change(ClickAction::Cancel, user, click, visitor)
            .await?;
        let metadata = record.replacement_metadata();
        Ok(self
            .stripe
            .schedule_cancellation(&click.to_string(), &subscription, metadata)
            .await?)
    }

    /// Undoes a scheduled cancellation, from the app or from the portal. Does nothing if no end is scheduled.
    pub async fn resume(&self, user: &User, click: Uuid, visitor: &Visitor) -> Result<(), BillingError> {
        let subscription = self.running(user).await?;
        if !subscription.is_scheduled_to_end() {
            return Ok(());
        }
        let record = self
            .record_change(ClickAction::Resume, user, click, visitor)
            .await?;
        let metadata = record.replacement_metadata();
        Ok(self
            .stripe
            .undo_cancellation(&click.to_string(), &subscription, metadata)
            .await?)
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
        let subscription = self.running(user).await?;
        if !may_change_to_yearly(&subscription) {
            return Err(BillingError::ChangeNotAllowed);
        }
        let record = self
            .record_change(ClickAction::Change, user, click, visitor)
            .await?;
        let catalog = self.catalog().await?;
        Ok(self
            .stripe
            .change_price(
                &click.to_string(),
                &subscription,
                &catalog.yearly,
                record.replacement_metadata(),
            )
            .await?)
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
        let handoff = StripeHandoff::new(user.id, present_ids_of(visitor), self.clock.now_ms(), None);
        let url = self
            .stripe
            .open_portal(
                &visit.to_string(),
                &customer.id,
                &catalog.portal,
                &self.site_url("billing"),
                add_card,
            )
            .await?;
        // Recorded before the redirect, so that every change made in the portal is later than the visit.
        let visit = PortalVisit {
            id: visit,
            account: user.id,
            device: handoff.device,
            session: handoff.session,
            at_ms: handoff.at_ms,
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
                handoff: StripeHandoff::new(user.id, present_ids_of(visitor), self.clock.now_ms(), None),
                consented: visitor.tracking.is_some(),
                interval: None,
                trial_days: None,
                checkout: None,
                checkout_closed: false,
            },
        )
        .await
    }

    async fn running(&self, user: &User) -> Result<Subscription, BillingError> {
        let subscriptions = store::subscriptions(self.db.pool(), user.id).await?;
        subscriptions
            .into_iter()
            .map(|stored| stored.subscription)
            .filter(|subscription| plan(&subscription.status) == Plan::Pro)
            .max_by_key(|subscription| (subscription.created, subscription.id.clone()))
            .ok_or(BillingError::NotSubscribed)
    }
}

/// Whether the subscription has the catalogue's monthly price and no other item, is not scheduled to end, collects payments,
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
