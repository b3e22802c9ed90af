//! Fetches from Stripe what is needed to apply a webhook. Network only; it never runs inside a transaction.

use serde_json::Value;

use crate::billing::mapping::{Reversal, Subject};
use crate::billing::payload::{Invoice, PayloadError, StripeEvent, Subscription};
use crate::billing::plan::{Plan, PlanProduct, plan};
use crate::billing::stripe::{StripeCallError, StripeClient};

use super::retry::ApplyError;

/// Stripe's current state, as far as one webhook needs it.
#[derive(Clone, Debug)]
pub(super) struct StripeSnapshot {
    /// The customer.
    pub(super) customer: String,
    /// Whether Stripe has a card to charge.
    pub(super) has_card: bool,
    /// The webhook's subscription; `None` if the webhook is about the customer only.
    pub(super) subscription: Option<SubscriptionSnapshot>,
    /// All of the customer's subscriptions as JSON, for our copy.
    pub(super) objects: Vec<Value>,
    /// Subscriptions that were canceled because another one was running.
    pub(super) duplicate_subscriptions: Vec<String>,
}

/// A subscription with its payments.
#[derive(Clone, Debug)]
pub(super) struct SubscriptionSnapshot {
    pub(super) subscription: Subscription,
    pub(super) others: Vec<Subscription>,
    pub(super) paid_invoices: Vec<Invoice>,
    /// The webhook's refund or dispute, and the invoice of its payment.
    pub(super) reversal: Option<(Reversal, String)>,
}

/// Fetches everything for a webhook. `None` if the refund or the dispute does not belong to a subscription.
pub(super) async fn fetch(
    stripe: &StripeClient,
    event: &StripeEvent,
    subject: Subject,
    product: &PlanProduct,
) -> Result<Option<StripeSnapshot>, ApplyError> {
    match subject {
        Subject::Customer(customer) => customer_snapshot(stripe, customer).await.map(Some),
        Subject::Subscription(id) => subscription_snapshot(stripe, event, &id, None, product)
            .await
            .map(Some),
        Subject::Reversal(reversal) => {
            let payment = reversal.payment_intent().ok_or(PayloadError {
                object: reversal.object(),
                field: "payment_intent",
            })?;
            let Some(invoice) = stripe.invoice_of_payment(payment).await? else {
                return Ok(None);
            };
            let Some(subscription) = invoice.subscription else {
                return Ok(None);
            };
            subscription_snapshot(
                stripe,
                event,
                &subscription,
                Some((reversal, invoice.id)),
                product,
            )
            .await
            .map(Some)
        }
    }
}

async fn customer_snapshot(stripe: &StripeClient, customer: String) -> Result<StripeSnapshot, ApplyError> {
    let (has_card, objects) = tokio::try_join!(stripe.has_card(&customer), stripe.subscriptions(&customer))?;
    Ok(StripeSnapshot {
        customer,
        has_card,
        subscription: None,
        objects,
        duplicate_subscriptions: Vec::new(),
    })
}

async fn subscription_snapshot(
    stripe: &StripeClient,
    event: &StripeEvent,
    id: &str,
    reversal: Option<(Reversal, String)>,
    product: &PlanProduct,
) -> Result<StripeSnapshot, ApplyError> {
    let mut duplicate_subscriptions = Vec::new();
    loop {
        let FetchedSubscription {
            subscription,
            object,
            customer,
            has_card,
            invoices,
            mut objects,
        } = fetch_subscription(stripe, event, id).await?;
        // Subscriptions of other products do not count, neither for the plan nor as duplicates.
        objects.retain(|other| {
            let read = Subscription::read(other);
            other["id"] == *id || read.is_ok_and(|other| product.is_of(&other.terms))
        });
        let mut others = Vec::new();
        for other in objects.iter().filter(|other| other["id"] != *id) {
            others.push(Subscription::read(other)?);
        }
        let second: Vec<&Subscription> = match product.is_of(&subscription.terms) {
            true => duplicates(&subscription, &others),
            false => Vec::new(),
        };
        if !second.is_empty() {
            for second in second {
                tracing::warn!(
                    stripe.subscription = second.id,
                    stripe.customer = customer,
                    "a duplicate subscription was canceled"
                );
                stripe.cancel_now(&second.id).await?;
                duplicate_subscriptions.push(second.id.clone());
            }
            continue;
        }
        if objects.iter().all(|other| other["id"] != *id) {
            objects.push(object);
        }
        let paid_invoices = invoices.iter().map(Invoice::read).collect::<Result<_, _>>()?;
        return Ok(StripeSnapshot {
            customer,
            has_card,
            subscription: Some(SubscriptionSnapshot {
                subscription,
                others,
                paid_invoices,
                reversal,
            }),
            objects,
            duplicate_subscriptions,
        });
    }
}

struct FetchedSubscription {
    subscription: Subscription,
    object: Value,
    customer: String,
    has_card: bool,
    invoices: Vec<Value>,
    objects: Vec<Value>,
}

/// Fetches concurrently if the webhook names its customer, as almost all do.
async fn fetch_subscription(
    stripe: &StripeClient,
    event: &StripeEvent,
    id: &str,
) -> Result<FetchedSubscription, StripeCallError> {
    let fetch_customer =
        async |customer: &str| tokio::try_join!(stripe.has_card(customer), stripe.subscriptions(customer));
    let (object, invoices, named) = match event.customer() {
        Some(customer) => {
            let (object, invoices, named) = tokio::try_join!(
                stripe.subscription(id),
                stripe.paid_invoices(id),
                fetch_customer(customer)
            )?;
            (object, invoices, Some((customer, named)))
        }
        None => {
            let (object, invoices) = tokio::try_join!(stripe.subscription(id), stripe.paid_invoices(id))?;
            (object, invoices, None)
        }
    };
    let subscription = Subscription::read(&object)?;
    // The subscription's own customer counts, even if the webhook names another one.
    let (has_card, objects) = match named {
        Some((customer, found)) if customer == subscription.customer => found,
        _ => fetch_customer(&subscription.customer).await?,
    };
    Ok(FetchedSubscription {
        customer: subscription.customer.clone(),
        subscription,
        object,
        has_card,
        invoices,
        objects,
    })
}

/// All running subscriptions except the oldest. Completing two Checkout pages at the same time creates a second one.
fn duplicates<'a>(one: &'a Subscription, others: &'a [Subscription]) -> Vec<&'a Subscription> {
    let mut running: Vec<&Subscription> = others
        .iter()
        .chain([one])
        .filter(|subscription| plan(&subscription.status) == Plan::Pro)
        .collect();
    running.sort_by_key(|subscription| (subscription.created, &subscription.id));
    running.into_iter().skip(1).collect()
}
