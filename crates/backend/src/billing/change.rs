//! Changes to a running subscription: its end, its interval, its card. Each asks Stripe and returns; what comes of it comes
//! by webhook, with the IDs of the click in the same call's metadata.

use std::collections::BTreeMap;

use tracking::Interval;
use uuid::Uuid;

use super::handoff::{Handoff, PortalVisit};
use super::payload::{StripeStatus, Subscription};
use super::plan::{Plan, plan};
use super::store::{self, Action, Noted};
use super::{Billing, BillingError, ids_of};
use crate::accounts::User;
use crate::visitor::Visitor;

impl Noted {
    /// What goes to Stripe with a new subscription: without consent, nothing.
    pub(super) fn metadata(&self) -> BTreeMap<String, String> {
        if self.consented {
            self.handoff.metadata()
        } else {
            BTreeMap::new()
        }
    }

    /// The same for a subscription that has some of an earlier click.
    fn metadata_over_older(&self) -> BTreeMap<String, String> {
        if self.consented {
            self.handoff.metadata_over_older()
        } else {
            Handoff::withdrawn()
        }
    }
}

impl Billing {
    /// Has the subscription end with the running period, or the trial with its last day.
    pub async fn cancel(&self, user: &User, click: Uuid, visitor: &Visitor) -> Result<(), BillingError> {
        let subscription = self.running(user).await?;
        if subscription.is_scheduled_to_end() {
            return Ok(());
        }
        let noted = self.note_change(Action::Cancel, user, click, visitor).await?;
        let metadata = noted.metadata_over_older();
        Ok(self
            .stripe
            .plan_end(&click.to_string(), &subscription, metadata)
            .await?)
    }

    /// Takes a planned end back, however it was planned.
    pub async fn resume(&self, user: &User, click: Uuid, visitor: &Visitor) -> Result<(), BillingError> {
        let subscription = self.running(user).await?;
        if !subscription.is_scheduled_to_end() {
            return Ok(());
        }
        let noted = self.note_change(Action::Resume, user, click, visitor).await?;
        let metadata = noted.metadata_over_older();
        Ok(self
            .stripe
            .take_back_end(&click.to_string(), &subscription, metadata)
            .await?)
    }

    /// From monthly to yearly, at once. The other way is "cancel, then start again".
    pub async fn change_to_yearly(
        &self,
        user: &User,
        click: Uuid,
        visitor: &Visitor,
    ) -> Result<(), BillingError> {
        let subscription = self.running(user).await?;
        if !may_change_to_yearly(&subscription) {
            return Err(BillingError::NotAsItStands);
        }
        let noted = self.note_change(Action::Change, user, click, visitor).await?;
        let catalog = self.catalog().await?;
        Ok(self
            .stripe
            .change_price(
                &click.to_string(),
                &subscription,
                &catalog.yearly,
                noted.metadata_over_older(),
            )
            .await?)
    }

    /// The URL of a visit to Stripe's portal; with `add_card` straight to its form for a card. `visit` is the form's own ID.
    pub async fn open_portal(
        &self,
        user: &User,
        visit: Uuid,
        add_card: bool,
        visitor: &Visitor,
    ) -> Result<String, BillingError> {
        let customer = self.customer(user.id).await?;
        let catalog = self.catalog().await?;
        let handoff = Handoff::new(user.id, ids_of(visitor), self.clock.now_ms(), None);
        let url = self
            .stripe
            .open_portal(
                &visit.to_string(),
                &customer.id,
                &catalog.portal,
                &self.page("billing"),
                add_card,
            )
            .await?;
        // Before the redirect: whatever is done there comes after it.
        let visit = PortalVisit {
            id: visit,
            account: user.id,
            device: handoff.device,
            session: handoff.session,
            at_ms: handoff.at_ms,
        };
        let mut tx = self.db.write().await?;
        store::insert_visit(&mut tx, &visit).await?;
        tx.commit().await?;
        Ok(url)
    }

    async fn note_change(
        &self,
        action: Action,
        user: &User,
        click: Uuid,
        visitor: &Visitor,
    ) -> Result<Noted, BillingError> {
        self.note(
            action,
            &Noted {
                click,
                handoff: Handoff::new(user.id, ids_of(visitor), self.clock.now_ms(), None),
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
            .map(|mirrored| mirrored.subscription)
            .filter(|subscription| plan(&subscription.status) == Plan::Pro)
            .max_by_key(|subscription| (subscription.created, subscription.id.clone()))
            .ok_or(BillingError::NotSubscribed)
    }
}

/// Monthly, not about to end, and not waiting for a payment that failed.
pub(super) fn may_change_to_yearly(subscription: &Subscription) -> bool {
    subscription.interval == Some(Interval::Month)
        && !subscription.is_scheduled_to_end()
        && matches!(subscription.status, StripeStatus::Trialing | StripeStatus::Active)
}
