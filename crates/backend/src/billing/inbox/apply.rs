//! Applies one webhook: fetches Stripe's current state, then writes events and records in one transaction.

use serde_json::Value;
use tracking::{Choice, ServerEvent, UserId, consent};

use super::fetch::{StripeSnapshot, SubscriptionSnapshot, fetch};
use super::retry::ApplyError;
use super::store::{self as inbox, Lease, PendingWebhook};
use crate::billing::Billing;
use crate::billing::handoff::{PortalVisit, SKEW_MS};
use crate::billing::mapping::{MappingInput, map_webhook, subject};
use crate::billing::payload::{PayloadError, StripeEvent, Subscription};
use crate::billing::plan::account_status;
use crate::billing::store::{self, CustomerOwner};

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
        let Some(snapshot) = fetch(&self.stripe, &event, subject).await? else {
            return self.settle(lease, webhook, true).await;
        };
        if snapshot.customer != lease.lane {
            let mut tx = self.db.write().await?;
            inbox::change_lane(&mut tx, &webhook.event_id, &snapshot.customer).await?;
            tx.commit().await?;
            self.arrived.notify_one();
            return Ok(ApplyOutcome::Moved);
        }
        // Read again after the network calls, because the account may have been deleted meanwhile.
        match store::customer(self.db.pool(), &snapshot.customer).await? {
            None => Err(ApplyError::UnknownCustomer),
            Some(CustomerOwner::Deleted) => self.settle(lease, webhook, false).await,
            Some(CustomerOwner::Account(account)) => {
                self.commit(lease, webhook, &event, &snapshot, account).await
            }
        }
    }

    async fn commit(
        &self,
        lease: Lease<'_>,
        webhook: &PendingWebhook,
        event: &StripeEvent,
        snapshot: &StripeSnapshot,
        account: UserId,
    ) -> Result<ApplyOutcome, ApplyError> {
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
        let account_type = account_status(&subscriptions).account_type();
        // The first write locks the account's row. A concurrent withdrawal of consent therefore commits before it and
        // is seen below, or commits after it and parks the enqueued events.
        store::set_account_type(&mut tx, account, account_type).await?;
        let tracked = self.is_tracked(&mut tx, account, event.created_ms()).await?;
        let mut new_events = 0;
        if let Some(current) = &snapshot.subscription {
            let visit =
                store::newest_portal_visit(&mut tx, account, event.created_ms().saturating_add(SKEW_MS))
                    .await?;
            for event in events(event, account, current, visit.as_slice())? {
                // Without consent no event is enqueued. Payments are still recorded.
                if tracked && outbox::enqueue(&mut tx, &event, now_ms).await? == outbox::Enqueued::New {
                    new_events += 1;
                }
            }
            for invoice in &current.paid_invoices {
                let customer = &snapshot.customer;
                store::upsert_paid_invoice(&mut tx, invoice, customer, &current.subscription.id).await?;
            }
            if let Some((refund, invoice)) = &current.refund {
                store::upsert_refund(&mut tx, refund, &snapshot.customer, invoice).await?;
            }
        }
        for object in &snapshot.objects {
            store::upsert_subscription(&mut tx, object, &snapshot.customer, now_ms).await?;
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

    /// Whether a change at `at_ms` may be tracked: consent must not be denied now, nor at the time of the change.
    async fn is_tracked(
        &self,
        connection: &mut db::Connection,
        account: UserId,
        at_ms: i64,
    ) -> Result<bool, sqlx::Error> {
        let [now, then] = store::consent(connection, account, at_ms).await?;
        let effective = consent::effective(Choice::Unset, Some(now), false, self.consent_default);
        Ok(effective.is_granted() && then != Choice::Denied)
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

fn events(
    event: &StripeEvent,
    account: UserId,
    current: &SubscriptionSnapshot,
    visits: &[PortalVisit],
) -> Result<Vec<ServerEvent>, ApplyError> {
    let input = MappingInput {
        account,
        fetched: &current.subscription,
        others: &current.others,
        paid_invoices: &current.paid_invoices,
        refunded_invoice: current.refund.as_ref().map(|(_, invoice)| invoice.as_str()),
        visits,
    };
    Ok(map_webhook(event, &input)?)
}
