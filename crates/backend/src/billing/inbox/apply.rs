//! Applies one webhook: fetches Stripe's current state, then writes events and records in one transaction.

use serde_json::Value;
use tracking::{ServerEvent, UserId};

use super::fetch::{StripeSnapshot, SubscriptionSnapshot, fetch};
use super::retry::ApplyError;
use super::store::{self as inbox, Lease, PendingWebhook};
use crate::accounts::is_tracked_at;
use crate::billing::handoff::{PortalVisit, SKEW_MS};
use crate::billing::mapping::{MappingInput, Reversal, cause, invoice_of, map_webhook, subject};
use crate::billing::payload::{PayloadError, StripeEvent, Subscription};
use crate::billing::plan::{PlanProduct, account_status};
use crate::billing::store::{self, CustomerOwner};
use crate::billing::{Billing, BillingError};

/// The result of applying a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApplyOutcome {
    /// Applied, with this many new events.
    Events(usize),
    /// Moved to the lane of its customer, which was unknown before the fetch.
    Moved,
    /// Another worker holds the lane now and applies the webhook.
    LeaseLost,
}

impl Billing {
    /// Fetches from Stripe, then commits all effects of the webhook, or none.
    pub(super) async fn apply(
        &self,
        lease: Lease<'_>,
        webhook: &PendingWebhook,
    ) -> Result<ApplyOutcome, ApplyError> {
        let json: Value = serde_json::from_str(&webhook.payload).map_err(|_| PayloadError {
            object: "event",
            field: "JSON",
        })?;
        let event = StripeEvent::read(&json)?;
        let Some(subject) = subject(&event)? else {
            return self.settle(lease, webhook, true).await;
        };
        // Nothing is fetched for an unknown customer or a deleted account.
        if let Some(customer) = event.customer() {
            match store::customer(self.db.pool(), customer).await? {
                None => return Err(ApplyError::UnknownCustomer),
                Some(CustomerOwner::Deleted) => return self.settle(lease, webhook, false).await,
                Some(CustomerOwner::Account(_)) => {}
            }
        }
        let product = match self.plan_product().await {
            Ok(product) => product,
            Err(BillingError::Stripe(error)) => return Err(error.into()),
            Err(BillingError::Database(error)) => return Err(error.into()),
            Err(_) => PlanProduct::default(),
        };
        let Some(snapshot) = fetch(&self.stripe, &event, subject, &product).await? else {
            return self.settle(lease, webhook, true).await;
        };
        if snapshot.customer != lease.lane {
            let now_ms = self.clock.now_ms();
            let mut tx = self.db.write().await?;
            inbox::change_lane(&mut tx, &webhook.event_id, &snapshot.customer, now_ms).await?;
            tx.commit().await?;
            self.arrived.notify_one();
            return Ok(ApplyOutcome::Moved);
        }
        // Read again after the network calls, because the account may have been deleted meanwhile.
        match store::customer(self.db.pool(), &snapshot.customer).await? {
            None => Err(ApplyError::UnknownCustomer),
            Some(CustomerOwner::Deleted) => self.settle(lease, webhook, false).await,
            Some(CustomerOwner::Account(account)) => {
                let known = store::subscription_ids(self.db.pool(), &snapshot.customer).await?;
                let is_known = |current: &SubscriptionSnapshot| {
                    product.is_of(&current.subscription.terms) || known.contains(&current.subscription.id)
                };
                if snapshot
                    .subscription
                    .as_ref()
                    .is_some_and(|current| !is_known(current))
                {
                    return self.settle(lease, webhook, true).await;
                }
                let related = match invoice_of(&event) {
                    Some(invoice) => inbox::webhooks_about(self.db.pool(), lease.lane, invoice).await?,
                    None => Vec::new(),
                };
                let context = ApplyContext {
                    event: &event,
                    related: &related,
                    product: &product,
                    account,
                };
                self.commit(lease, webhook, &context, &snapshot).await
            }
        }
    }

    async fn commit(
        &self,
        lease: Lease<'_>,
        webhook: &PendingWebhook,
        context: &ApplyContext<'_>,
        snapshot: &StripeSnapshot,
    ) -> Result<ApplyOutcome, ApplyError> {
        let account = context.account;
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if !inbox::verify(&mut tx, lease, now_ms).await? {
            return Ok(ApplyOutcome::LeaseLost);
        }
        let subscriptions = snapshot
            .objects
            .iter()
            .map(Subscription::read)
            .collect::<Result<Vec<_>, _>>()?;
        let account_type = account_status(&subscriptions, context.product).account_type();
        // The first write locks the account's row. A concurrent withdrawal of consent therefore commits before it and
        // is seen below, or commits after it and parks the enqueued events.
        store::set_account_type(&mut tx, account, account_type).await?;
        let changed_at_ms = cause(context.event, context.related).created_ms();
        let tracked = is_tracked_at(&mut tx, account, changed_at_ms, self.consent_default).await?;
        let mut new_events = 0;
        if let Some(current) = &snapshot.subscription {
            let visit =
                store::newest_portal_visit(&mut tx, account, changed_at_ms.saturating_add(SKEW_MS)).await?;
            for event in context.events(current, visit.as_slice())? {
                // Without consent no event is enqueued. Payments are still recorded.
                if tracked && outbox::enqueue(&mut tx, &event, now_ms).await? == outbox::Enqueued::New {
                    new_events += 1;
                }
            }
            for invoice in &current.paid_invoices {
                let customer = &snapshot.customer;
                store::upsert_paid_invoice(&mut tx, invoice, customer, &current.subscription.id).await?;
            }
            match &current.reversal {
                Some((Reversal::Refund(refund), invoice)) => {
                    store::upsert_refund(&mut tx, refund, &snapshot.customer, invoice).await?;
                }
                Some((Reversal::Dispute(dispute), invoice)) => {
                    store::upsert_dispute(&mut tx, dispute, &snapshot.customer, invoice).await?;
                }
                None => {}
            }
        }
        for (object, subscription) in snapshot.objects.iter().zip(&subscriptions) {
            let is_plan = context.product.is_of(&subscription.terms);
            store::upsert_subscription(&mut tx, object, &snapshot.customer, is_plan, now_ms).await?;
        }
        for subscription in &snapshot.duplicate_subscriptions {
            store::mark_duplicate(&mut tx, subscription).await?;
        }
        store::touch_customer(&mut tx, &snapshot.customer, snapshot.has_card).await?;
        inbox::applied(&mut tx, &webhook.event_id, new_events, true, now_ms).await?;
        tx.commit().await?;
        if new_events > 0 {
            self.wakeup.wake();
        }
        self.changed.notify_waiters();
        Ok(ApplyOutcome::Events(new_events))
    }

    /// Marks the webhook as applied without effects. Without `keep_payload` its payload is deleted.
    async fn settle(
        &self,
        lease: Lease<'_>,
        webhook: &PendingWebhook,
        keep_payload: bool,
    ) -> Result<ApplyOutcome, ApplyError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if !inbox::verify(&mut tx, lease, now_ms).await? {
            return Ok(ApplyOutcome::LeaseLost);
        }
        inbox::applied(&mut tx, &webhook.event_id, 0, keep_payload, now_ms).await?;
        tx.commit().await?;
        Ok(ApplyOutcome::Events(0))
    }
}

/// A webhook, and what decides its events besides Stripe's state.
struct ApplyContext<'a> {
    event: &'a StripeEvent,
    /// Received webhooks about the same invoice.
    related: &'a [StripeEvent],
    product: &'a PlanProduct,
    account: UserId,
}

impl ApplyContext<'_> {
    fn events(
        &self,
        current: &SubscriptionSnapshot,
        visits: &[PortalVisit],
    ) -> Result<Vec<ServerEvent>, ApplyError> {
        let input = MappingInput {
            account: self.account,
            fetched: &current.subscription,
            others: &current.others,
            paid_invoices: &current.paid_invoices,
            reversed_invoice: current.reversal.as_ref().map(|(_, invoice)| invoice.as_str()),
            related: self.related,
            product: self.product,
            visits,
        };
        Ok(map_webhook(self.event, &input)?)
    }
}
