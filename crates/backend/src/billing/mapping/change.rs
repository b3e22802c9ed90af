//! Changes of the items: interval, quantity, prices.
//!
//! `customer.subscription.updated` has the items before and after, and the new invoice if there is one. `invoice.paid` has
//! the money. The event needs both, and is the same after either.

use tracking::{ServerEvent, SubscriptionChanged, SubscriptionStatus};

use super::{MappingError, Webhook, invoice_of};
use crate::billing::payload::{BillingReason, Invoice, StripeEvent, StripeStatus, Subscription};
use crate::billing::plan::subscription_status;

/// A change and, if it made one, its paid invoice.
struct ItemsChange<'a> {
    now: &'a Subscription,
    before: &'a Subscription,
    invoice: Option<&'a Invoice>,
    /// Whether no other event reports the invoice's amount.
    has_own_amount: bool,
}

impl Webhook<'_> {
    /// The items changed: on trial at once; after it at once if there is no new invoice, otherwise if the invoice is paid.
    pub(super) fn items_changed(
        self,
        now: &Subscription,
        before: &Subscription,
    ) -> Result<Option<ServerEvent>, MappingError> {
        let is_on_trial = now.status == StripeStatus::Trialing;
        if is_on_trial || invoice_of(self.event).is_none() {
            if now.terms.has_same_items(&before.terms) || now.terms.items.is_empty() {
                return Ok(None);
            }
            let change = ItemsChange {
                now,
                before,
                invoice: None,
                has_own_amount: false,
            };
            return Ok(Some(self.changed(&change)?));
        }
        self.change_of_related_invoice()
    }

    /// A subscription was resumed after a pause. A payment for the rest of the period is a renewal.
    pub(super) fn resumed_after_pause(self) -> Result<Vec<ServerEvent>, MappingError> {
        self.subscription()?;
        Ok(self.change_of_related_invoice()?.into_iter().collect())
    }

    /// The event of a change whose invoice has been paid already.
    fn change_of_related_invoice(self) -> Result<Option<ServerEvent>, MappingError> {
        let invoice = invoice_of(self.event);
        let mut related = self.input.related.iter();
        match related.find(|other| other.kind == "invoice.paid" && invoice_of(other) == invoice) {
            Some(paid) => self.change_with_invoice(&Invoice::read(&paid.object)?),
            None => Ok(None),
        }
    }

    /// The event of the change that made this paid invoice, if the change's webhook has been received.
    pub(super) fn change_of_invoice(self, invoice: &Invoice) -> Result<Option<ServerEvent>, MappingError> {
        let introduces =
            |other: &&StripeEvent| other.kind != "invoice.paid" && invoice_of(other) == Some(&invoice.id);
        match self.input.related.iter().find(introduces) {
            Some(event) => Webhook { event, ..self }.change_with_invoice(invoice),
            None => Ok(None),
        }
    }

    /// The event of this change, with its paid invoice. An amount is reported here only if no other event has it.
    fn change_with_invoice(self, invoice: &Invoice) -> Result<Option<ServerEvent>, MappingError> {
        let now = self.subscription()?;
        let before = Subscription::read(&self.event.before())?;
        if now.status == StripeStatus::Trialing {
            return Ok(None);
        }
        let listed = self.listed(invoice);
        let has_own_amount = invoice.reason == BillingReason::SubscriptionUpdate
            && invoice.paid.minor > 0
            && !self.is_first_period(listed)
            && !self.is_before_trial_end(listed);
        if now.terms.has_same_items(&before.terms) {
            return has_own_amount.then(|| self.renewal(invoice)).transpose();
        }
        let change = ItemsChange {
            now: &now,
            before: &before,
            invoice: Some(invoice),
            has_own_amount,
        };
        self.changed(&change).map(Some)
    }

    fn changed(self, change: &ItemsChange<'_>) -> Result<ServerEvent, MappingError> {
        let ItemsChange {
            now, before, invoice, ..
        } = *change;
        let state = match invoice {
            // Paid since then, with any status in the payload.
            Some(_) => SubscriptionStatus::Active,
            None => subscription_status(now),
        };
        let product = self.input.product;
        let quantity =
            |subscription: &Subscription| product.item(&subscription.terms).and_then(|item| item.quantity);
        let report = self.report(state, Some(self.plan_interval(now)?))?;
        let previous_interval = self.plan_interval(before)?;
        Ok(self.present(&now.metadata, |handoff| SubscriptionChanged {
            report,
            handoff,
            previous_interval,
            quantity: quantity(now),
            previous_quantity: quantity(before),
            items: now.terms.item_names(),
            previous_items: before.terms.item_names(),
            invoice: invoice.map(|invoice| invoice.id.clone()),
            payment: invoice.filter(|_| change.has_own_amount).map(Invoice::payment),
            changed_at: self.event.created,
        }))
    }
}
