//! What has to be asked of Stripe before a webhook can be applied. Network only, and no transaction around it.

use serde_json::Value;

use crate::billing::mapping::Subject;
use crate::billing::payload::{Invoice, Refund, StripeEvent, Subscription, Unreadable};
use crate::billing::plan::{Plan, plan};
use crate::billing::stripe::{Stripe, StripeFault};

use super::retry::Trouble;

/// How things stand at Stripe, as far as one webhook is concerned.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    /// Whose it is.
    pub(super) customer: String,
    /// Whether Stripe has a card to charge.
    pub(super) has_card: bool,
    /// What the webhook is about, unless it is about the customer alone.
    pub(super) about: Option<About>,
    /// All of the customer's subscriptions as they came, for our copy.
    pub(super) objects: Vec<Value>,
    /// Those that ran beside another one and were ended for that.
    pub(super) turned_away: Vec<String>,
}

/// A subscription with its payments.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) subscription: Subscription,
    pub(super) others: Vec<Subscription>,
    pub(super) paid_invoices: Vec<Invoice>,
    /// The refund of the webhook, with the invoice that it gives back.
    pub(super) refund: Option<(Refund, String)>,
}

/// Asks for everything. `None`: it turned out to be about nothing of ours.
pub(super) async fn gather(
    stripe: &Stripe,
    event: &StripeEvent,
    subject: Subject,
) -> Result<Option<Gathered>, Trouble> {
    match subject {
        Subject::Customer(customer) => of_customer(stripe, customer).await.map(Some),
        Subject::Subscription(id) => of_subscription(stripe, event, &id, None).await.map(Some),
        Subject::Refund(refund) => {
            let payment = refund.payment_intent.as_deref().ok_or(Unreadable {
                object: "refund",
                field: "payment_intent",
            })?;
            let Some(invoice) = stripe.invoice_of_payment(payment).await? else {
                return Ok(None);
            };
            let Some(subscription) = invoice.subscription else {
                return Ok(None);
            };
            of_subscription(stripe, event, &subscription, Some((refund, invoice.id)))
                .await
                .map(Some)
        }
    }
}

async fn of_customer(stripe: &Stripe, customer: String) -> Result<Gathered, Trouble> {
    let (has_card, objects) = tokio::try_join!(stripe.has_card(&customer), stripe.subscriptions(&customer))?;
    Ok(Gathered {
        customer,
        has_card,
        about: None,
        objects,
        turned_away: Vec::new(),
    })
}

async fn of_subscription(
    stripe: &Stripe,
    event: &StripeEvent,
    id: &str,
    refund: Option<(Refund, String)>,
) -> Result<Gathered, Trouble> {
    let mut turned_away = Vec::new();
    loop {
        let Fetched {
            subscription,
            object,
            customer,
            has_card,
            invoices,
            mut objects,
        } = fetch(stripe, event, id).await?;
        let mut others = Vec::new();
        for other in objects.iter().filter(|other| other["id"] != *id) {
            others.push(Subscription::read(other)?);
        }
        let second: Vec<&Subscription> = beside_another(&subscription, &others);
        if !second.is_empty() {
            for second in second {
                tracing::warn!(
                    stripe.subscription = second.id,
                    stripe.customer = customer,
                    "a second subscription beside a running one is ended"
                );
                stripe.end_now(&second.id).await?;
                turned_away.push(second.id.clone());
            }
            continue;
        }
        if objects.iter().all(|other| other["id"] != *id) {
            objects.push(object);
        }
        let paid_invoices = invoices.iter().map(Invoice::read).collect::<Result<_, _>>()?;
        return Ok(Gathered {
            customer,
            has_card,
            about: Some(About {
                subscription,
                others,
                paid_invoices,
                refund,
            }),
            objects,
            turned_away,
        });
    }
}

struct Fetched {
    subscription: Subscription,
    object: Value,
    customer: String,
    has_card: bool,
    invoices: Vec<Value>,
    objects: Vec<Value>,
}

/// All at once where the webhook names its customer, as nearly all do.
async fn fetch(stripe: &Stripe, event: &StripeEvent, id: &str) -> Result<Fetched, StripeFault> {
    let of_customer =
        async |customer: &str| tokio::try_join!(stripe.has_card(customer), stripe.subscriptions(customer));
    let (object, invoices, named) = match event.customer() {
        Some(customer) => {
            let (object, invoices, named) = tokio::try_join!(
                stripe.subscription(id),
                stripe.paid_invoices(id),
                of_customer(customer)
            )?;
            (object, invoices, Some((customer, named)))
        }
        None => {
            let (object, invoices) = tokio::try_join!(stripe.subscription(id), stripe.paid_invoices(id))?;
            (object, invoices, None)
        }
    };
    let subscription = Subscription::read(&object)?;
    // The subscription's customer decides, whatever the webhook's object says.
    let (has_card, objects) = match named {
        Some((customer, found)) if customer == subscription.customer => found,
        _ => of_customer(&subscription.customer).await?,
    };
    Ok(Fetched {
        customer: subscription.customer.clone(),
        subscription,
        object,
        has_card,
        invoices,
        objects,
    })
}

/// One account, one running subscription: of several the first stays. Two Checkout pages that were completed at the same
/// moment make a second one.
fn beside_another<'a>(one: &'a Subscription, others: &'a [Subscription]) -> Vec<&'a Subscription> {
    let mut running: Vec<&Subscription> = others
        .iter()
        .chain([one])
        .filter(|subscription| plan(&subscription.status) == Plan::Pro)
        .collect();
    running.sort_by_key(|subscription| (subscription.created, &subscription.id));
    running.into_iter().skip(1).collect()
}
