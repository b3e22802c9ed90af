//! One webhook's effect: what was gathered, turned into events and records in one transaction.

use serde_json::Value;
use tracking::{Choice, ServerEvent, UserId, consent};

use super::gather::{About, Gathered, gather};
use super::retry::Trouble;
use super::store::{self as inbox, Lease, Pending};
use crate::billing::Billing;
use crate::billing::handoff::{PortalVisit, SKEW_MS};
use crate::billing::mapping::{Facts, mapping, subject};
use crate::billing::payload::{StripeEvent, Subscription, Unreadable};
use crate::billing::plan::standing;
use crate::billing::store::{self, Known};

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// It is done, and became so many new events.
    Events(usize),
    /// It waits in the lane of its customer, who is known only now.
    Moved,
    /// The lane was somebody else's by then; so is the webhook.
    LeaseLost,
}

impl Billing {
    /// Asks Stripe, then commits everything that follows, or nothing.
    pub(super) async fn apply(&self, lease: Lease<'_>, webhook: &Pending) -> Result<Applied, Trouble> {
        let json: Value = serde_json::from_str(&webhook.payload).map_err(|_| Unreadable {
            object: "event",
            field: "JSON",
        })?;
        let event = StripeEvent::read(&json)?;
        let Some(subject) = subject(&event)? else {
            return self.settle(lease, webhook, true).await;
        };
        // What nobody here has is not asked about.
        if let Some(customer) = event.customer() {
            match store::customer(self.db.pool(), customer).await? {
                None => return Err(Trouble::UnknownCustomer),
                Some(Known::Deleted) => return self.settle(lease, webhook, false).await,
                Some(Known::Of(_)) => {}
            }
        }
        let Some(gathered) = gather(&self.stripe, &event, subject).await? else {
            return self.settle(lease, webhook, true).await;
        };
        if gathered.customer != lease.lane {
            let mut tx = self.db.write().await?;
            inbox::change_lane(&mut tx, &webhook.event_id, &gathered.customer).await?;
            tx.commit().await?;
            self.arrived.notify_one();
            return Ok(Applied::Moved);
        }
        // Once more, after the network: meanwhile somebody may have left.
        match store::customer(self.db.pool(), &gathered.customer).await? {
            None => Err(Trouble::UnknownCustomer),
            Some(Known::Deleted) => self.settle(lease, webhook, false).await,
            Some(Known::Of(account)) => self.commit(lease, webhook, &event, &gathered, account).await,
        }
    }

    async fn commit(
        &self,
        lease: Lease<'_>,
        webhook: &Pending,
        event: &StripeEvent,
        gathered: &Gathered,
        account: UserId,
    ) -> Result<Applied, Trouble> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if !inbox::hold(&mut tx, lease, now_ms).await? {
            return Ok(Applied::LeaseLost);
        }
        let subscriptions = gathered
            .objects
            .iter()
            .map(Subscription::read)
            .collect::<Result<Vec<_>, _>>()?;
        let account_type = standing(&subscriptions).account_type();
        // First of all that is written: it locks the account's row, so that a withdrawal of consent comes before all of
        // this, and is seen below, or after it, and parks what was enqueued.
        store::set_account_type(&mut tx, account, account_type).await?;
        let tracked = self.is_tracked(&mut tx, account, event.created_ms()).await?;
        let mut told = 0;
        if let Some(about) = &gathered.about {
            let visit =
                store::newest_visit(&mut tx, account, event.created_ms().saturating_add(SKEW_MS)).await?;
            for event in events(event, account, about, visit.as_slice())? {
                // Without consent nothing is said of the person; what they paid is in our records all the same.
                if tracked && outbox::enqueue(&mut tx, &event, now_ms).await? == outbox::Enqueued::New {
                    told += 1;
                }
            }
            for invoice in &about.paid_invoices {
                let customer = &gathered.customer;
                store::keep_paid_invoice(&mut tx, invoice, customer, &about.subscription.id).await?;
            }
            if let Some((refund, invoice)) = &about.refund {
                store::keep_refund(&mut tx, refund, &gathered.customer, invoice).await?;
            }
        }
        for object in &gathered.objects {
            store::keep_subscription(&mut tx, object, &gathered.customer, now_ms).await?;
        }
        for subscription in &gathered.turned_away {
            store::turn_away(&mut tx, subscription).await?;
        }
        store::touch_customer(&mut tx, &gathered.customer, gathered.has_card).await?;
        inbox::applied(&mut tx, &webhook.event_id, told, true, now_ms).await?;
        tx.commit().await?;
        if told > 0 {
            self.wakeup.wake();
        }
        self.changed.notify_waiters();
        Ok(Applied::Events(told))
    }

    /// Whether a change at `at_ms` may be told: not after a no, nor what happened while a no held.
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

    /// Nothing follows from it. What is about somebody who left is not kept.
    async fn settle(
        &self,
        lease: Lease<'_>,
        webhook: &Pending,
        keep_payload: bool,
    ) -> Result<Applied, Trouble> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if !inbox::hold(&mut tx, lease, now_ms).await? {
            return Ok(Applied::LeaseLost);
        }
        inbox::applied(&mut tx, &webhook.event_id, 0, keep_payload, now_ms).await?;
        tx.commit().await?;
        Ok(Applied::Events(0))
    }
}

fn events(
    event: &StripeEvent,
    account: UserId,
    about: &About,
    visits: &[PortalVisit],
) -> Result<Vec<ServerEvent>, Trouble> {
    let facts = Facts {
        account,
        fetched: &about.subscription,
        others: &about.others,
        paid_invoices: &about.paid_invoices,
        refunded_invoice: about.refund.as_ref().map(|(_, invoice)| invoice.as_str()),
        visits,
    };
    Ok(mapping(event, &facts)?)
}
