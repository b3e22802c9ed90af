//! Fetches from Stripe what is needed to apply the webhooks of one customer: two lists, in parallel. Network only; it never
//! runs inside a transaction.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::Value;

use crate::billing::mapping::Subject;
use crate::billing::payload::{Invoice, StripeEvent, Subscription};
use crate::billing::plan::{PlanProduct, may_cancel_second, second_subscriptions};
use crate::billing::stripe::{InvoiceOwner, StripeClient};

use super::retry::ApplyError;

/// Stripe's current state of one customer.
#[derive(Debug, Default)]
pub(super) struct StripeSnapshot {
    /// Whether Stripe has a card to charge; `None` if it was not read, for a customer without subscriptions.
    pub(super) has_card: Option<bool>,
    /// All subscriptions, ended ones too.
    pub(super) subscriptions: Vec<FetchedSubscription>,
    /// The paid invoices of each subscription.
    paid_invoices: HashMap<String, Vec<PaidInvoiceSnapshot>>,
    /// Trials that were canceled because an older subscription was running.
    pub(super) duplicate_subscriptions: Vec<String>,
}

/// A subscription, as read and as Stripe's JSON for our copy.
#[derive(Clone, Debug)]
pub(super) struct FetchedSubscription {
    pub(super) subscription: Subscription,
    pub(super) object: Value,
}

/// A paid invoice of a subscription, with its payments.
#[derive(Clone, Debug)]
pub(super) struct PaidInvoiceSnapshot {
    pub(super) invoice: Invoice,
    pub(super) payment_intents: Vec<String>,
}

impl StripeSnapshot {
    pub(super) fn all(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.iter().map(|fetched| &fetched.subscription)
    }

    pub(super) fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.all().find(|subscription| subscription.id == id)
    }

    /// The subscription's paid invoices, in no order.
    pub(super) fn paid_invoices(&self, subscription: &str) -> &[PaidInvoiceSnapshot] {
        self.paid_invoices.get(subscription).map_or(&[], Vec::as_slice)
    }

    /// The subscription and the invoice that a payment paid. `None` for a payment of no subscription.
    pub(super) fn paid_with(&self, payment_intent: &str) -> Option<(&str, &str)> {
        self.paid_invoices.iter().find_map(|(subscription, invoices)| {
            let is_paid =
                |paid: &&PaidInvoiceSnapshot| paid.payment_intents.iter().any(|id| id == payment_intent);
            let paid = invoices.iter().find(is_paid)?;
            Some((subscription.as_str(), paid.invoice.id.as_str()))
        })
    }

    fn add_invoices(&mut self, objects: &[Value]) -> Result<(), ApplyError> {
        for object in objects {
            let invoice = Invoice::read(object)?;
            // One-off invoices are not part of the plan.
            let Some(subscription) = invoice.subscription.clone() else {
                continue;
            };
            let payments = object.pointer("/payments/data").and_then(Value::as_array);
            let payment_intent =
                |payment: &Value| Some(payment.pointer("/payment/payment_intent")?.as_str()?.to_owned());
            self.paid_invoices
                .entry(subscription)
                .or_default()
                .push(PaidInvoiceSnapshot {
                    invoice,
                    payment_intents: payments
                        .into_iter()
                        .flatten()
                        .filter_map(payment_intent)
                        .collect(),
                });
        }
        Ok(())
    }
}

/// Fetches the customer's state for these webhooks.
pub(super) async fn fetch(
    stripe: &StripeClient,
    customer: &str,
    webhooks: &[(&StripeEvent, &Subject)],
    product: &PlanProduct,
) -> Result<StripeSnapshot, ApplyError> {
    let mut duplicate_subscriptions = Vec::new();
    loop {
        let (listed, invoices) = tokio::try_join!(
            stripe.subscriptions(customer),
            stripe.paid_invoices(InvoiceOwner::Customer(customer))
        )?;
        let mut snapshot = StripeSnapshot {
            has_card: listed.as_ref().and_then(|listed| listed.has_card),
            ..StripeSnapshot::default()
        };
        for object in listed.map(|listed| listed.objects).unwrap_or_default() {
            let subscription = Subscription::read(&object)?;
            snapshot
                .subscriptions
                .push(FetchedSubscription { subscription, object });
        }
        snapshot.add_invoices(invoices.as_deref().unwrap_or_default())?;
        add_unlisted(stripe, &mut snapshot, webhooks, invoices.is_none()).await?;
        let canceled = duplicate_subscriptions.len();
        for second in second_subscriptions(snapshot.all(), product) {
            let paid = snapshot
                .paid_invoices(&second.id)
                .iter()
                .map(|paid| &paid.invoice);
            let is_canceled = duplicate_subscriptions.contains(&second.id);
            if !is_canceled && may_cancel_second(second, &paid.cloned().collect::<Vec<_>>()) {
                stripe.cancel_now(&second.id).await?;
                tracing::warn!(
                    stripe.subscription = second.id,
                    stripe.customer = customer,
                    "a duplicate subscription was canceled"
                );
                duplicate_subscriptions.push(second.id.clone());
            }
        }
        if duplicate_subscriptions.len() == canceled {
            snapshot.duplicate_subscriptions = duplicate_subscriptions;
            return Ok(snapshot);
        }
    }
}

/// Adds the webhooks' subscriptions that Stripe did not list, which it may do for a deleted customer. If Stripe has no such
/// subscription either, the newest payload is its last state. `read_invoices`: whether Stripe did not list the invoices
/// either.
async fn add_unlisted(
    stripe: &StripeClient,
    snapshot: &mut StripeSnapshot,
    webhooks: &[(&StripeEvent, &Subject)],
    read_invoices: bool,
) -> Result<(), ApplyError> {
    let mut newest_first = webhooks.to_vec();
    // Of one second, the end is the last state.
    newest_first.sort_by_key(|(event, _)| {
        (
            Reverse(event.created),
            event.kind != "customer.subscription.deleted",
        )
    });
    for (event, subject) in newest_first {
        let Subject::Subscription(id) = subject else {
            continue;
        };
        if snapshot.subscription(id).is_some() {
            continue;
        }
        let object = match stripe.subscription(id).await {
            Err(error) if error.is_missing() && event.object["object"] == "subscription" => {
                event.object.clone()
            }
            object => object?,
        };
        let subscription = Subscription::read(&object)?;
        snapshot
            .subscriptions
            .push(FetchedSubscription { subscription, object });
        if read_invoices {
            let invoices = stripe.paid_invoices(InvoiceOwner::Subscription(id)).await?;
            snapshot.add_invoices(&invoices.unwrap_or_default())?;
        }
    }
    Ok(())
}
