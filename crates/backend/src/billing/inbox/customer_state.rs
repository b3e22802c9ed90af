//! What decides the events of a customer's webhooks: the webhook, Stripe's state, and our records. It reads and writes
//! nothing.

use std::collections::HashMap;

use tracking::{ServerEvent, UserId};

use super::fetch::StripeSnapshot;
use super::retry::ApplyError;
use crate::billing::handoff::{PortalVisit, StripeHandoff};
use crate::billing::mapping::{MappingInput, Reversal, Subject, cause, map_webhook};
use crate::billing::payload::{Invoice, StripeEvent, Subscription};
use crate::billing::plan::PlanProduct;
use crate::billing::store::ClickAction;

/// A webhook, and what decides its events besides Stripe's state.
pub(super) struct ApplyContext {
    pub(super) event: StripeEvent,
    pub(super) subject: Subject,
    /// Received webhooks about the same invoice. They are read with the customer's state.
    pub(super) related: Vec<StripeEvent>,
}

impl ApplyContext {
    /// When the change happened, in ms since the epoch.
    pub(super) fn changed_at_ms(&self) -> i64 {
        cause(&self.event, &self.related).created_ms()
    }
}

/// Stripe's state of a customer, and what else decides the events of its webhooks.
pub(super) struct CustomerState {
    pub(super) customer: String,
    pub(super) account: UserId,
    /// The account's visits to Stripe's portal around the changes.
    pub(super) visits: Vec<PortalVisit>,
    /// The account's clicks in the same time, with their contexts.
    pub(super) clicks: Vec<StripeHandoff>,
    /// The actions of these clicks, and their times in ms since the epoch.
    pub(super) click_times: Vec<(ClickAction, i64)>,
    /// The customer's subscriptions in our database.
    pub(super) known_subscriptions: Vec<String>,
    /// The customer's paid invoices in our database, with their amounts in minor units.
    pub(super) known_invoices: HashMap<String, i64>,
    pub(super) product: PlanProduct,
    pub(super) snapshot: StripeSnapshot,
}

/// What a webhook is about: a subscription of ours.
pub(super) struct ApplyTarget<'a> {
    pub(super) subscription: &'a Subscription,
    /// Money that went back, with the invoice of its payment.
    pub(super) reversal: Option<(&'a Reversal, &'a str)>,
}

impl CustomerState {
    pub(super) fn is_ours(&self, subscription: &Subscription) -> bool {
        self.product.is_of(&subscription.terms) || self.known_subscriptions.contains(&subscription.id)
    }

    pub(super) fn is_recorded(&self, invoice: &Invoice) -> bool {
        self.known_invoices.get(&invoice.id) == Some(&invoice.paid.minor)
    }

    /// `None` for a customer, and for a payment or a subscription that is not of the plan.
    pub(super) fn target<'a>(&'a self, subject: &'a Subject) -> Option<ApplyTarget<'a>> {
        let (id, reversal) = match subject {
            Subject::Subscription(id) => (id.as_str(), None),
            Subject::Reversal(reversal) => {
                let (subscription, invoice) = self.snapshot.paid_with(reversal.payment_intent()?)?;
                (subscription, Some((reversal, invoice)))
            }
            Subject::Customer(_) | Subject::DeletedCustomer(_) => return None,
        };
        let subscription = self.snapshot.subscription(id)?;
        self.is_ours(subscription).then_some(ApplyTarget {
            subscription,
            reversal,
        })
    }

    pub(super) fn events(
        &self,
        context: &ApplyContext,
        target: &ApplyTarget<'_>,
        elsewhere: &[Subscription],
    ) -> Result<Vec<ServerEvent>, ApplyError> {
        let fetched = target.subscription;
        // Other products do not count for the plan.
        let others = self
            .snapshot
            .all()
            .filter(|other| other.id != fetched.id && self.product.is_of(&other.terms));
        let paid = self.snapshot.paid_invoices(&fetched.id);
        let input = MappingInput {
            account: self.account,
            fetched,
            others: &others.chain(elsewhere).cloned().collect::<Vec<_>>(),
            paid_invoices: &paid.iter().map(|paid| paid.invoice.clone()).collect::<Vec<_>>(),
            reversed_invoice: target.reversal.map(|(_, invoice)| invoice),
            related: &context.related,
            product: &self.product,
            visits: &self.visits,
            clicks: &self.clicks,
        };
        Ok(map_webhook(&context.event, &input)?)
    }
}
