//! Which events a webhook becomes.
//!
//! *What* happened is read from the webhook's own payload, as it was when it happened. *Which payment* it was is read
//! from Stripe's list of the subscription's paid invoices. Neither depends on when a webhook comes, or how often, or
//! after which other; so any order gives the same events. Only the user properties say what is fetched now.
//!
//! Each fact has one webhook that tells it; the others that Stripe sends along are nothing:
//!
//! | event | webhook | when |
//! |---|---|---|
//! | Trial started | `customer.subscription.created` | trialing |
//! | Trial, Subscription canceled, resumed | `customer.subscription.updated` | an end was scheduled or taken back |
//! | Subscription changed | `customer.subscription.updated` | another interval, still in the trial |
//! | | `invoice.paid` | the change's invoice |
//! | Trial converted, Subscription started | `invoice.paid` | the first with money |
//! | Subscription renewal | `invoice.paid` | a later one |
//! | Trial, Subscription expiration | `customer.subscription.deleted`, `.paused` | never paid until then, or paid |
//! | Payment failure | `invoice.payment_failed` | each attempt |
//! | Subscription refund | `refund.created`, `.updated`, `.failed` | it succeeded, or failed after that |

mod payment;
mod refund;
mod subscription;

use std::collections::BTreeMap;

use tracking::{
    Interval, PresentEvent, ServerEvent, SubscriptionReport, SubscriptionStatus, SystemEvent, UserId, session,
};

use super::handoff::{Handoff, PortalVisit, Presence, present_ids};
use super::payload::{Invoice, Refund, StripeEvent, Subscription, Unreadable};
use super::plan::standing;

/// What has to be known besides the webhook, all of one subscription.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Whose Stripe customer it is; the customer decides, not the metadata.
    pub account: UserId,
    /// The subscription as fetched for this webhook.
    pub fetched: &'a Subscription,
    /// The customer's other subscriptions, if there are any.
    pub others: &'a [Subscription],
    /// The subscription's paid invoices as Stripe lists them, in any order.
    pub paid_invoices: &'a [Invoice],
    /// Of a refund: the invoice whose payment it gives back.
    pub refunded_invoice: Option<&'a str>,
    /// The account's visits to Stripe's portal.
    pub visits: &'a [PortalVisit],
}

/// What a webhook is about, so what has to be fetched before it can be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This subscription, with its paid invoices.
    Subscription(String),
    /// The subscription behind this payment, by way of its invoice.
    Refund(Refund),
    /// A customer: no event of ours, but a card that came or went is worth knowing.
    Customer(String),
}

/// Why a webhook could not be mapped. Neither gets better by trying again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The payload is not as we know it.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The facts belong to another webhook.
    #[error("the webhook is about {webhook}, the facts are of {fetched}")]
    OtherSubscription {
        /// The webhook's subscription.
        webhook: String,
        /// The one that was fetched.
        fetched: String,
    },
}

/// What this webhook is about; `None`: nothing of ours, now or ever.
pub fn subject(event: &StripeEvent) -> Result<Option<Subject>, Unreadable> {
    Ok(match event.kind.as_str() {
        "invoice.paid" | "invoice.payment_failed" => Invoice::read(&event.object)?
            .subscription
            .map(Subject::Subscription),
        "refund.created" | "refund.updated" | "refund.failed" => {
            Some(Subject::Refund(Refund::read(&event.object)?))
        }
        "customer.updated" => event
            .customer()
            .map(|customer| Subject::Customer(customer.to_owned())),
        // All of them: even one that is no event of ours may change our copy of the subscription.
        kind if kind.starts_with("customer.subscription.") => {
            Some(Subject::Subscription(Subscription::read(&event.object)?.id))
        }
        _ => None,
    })
}

/// The events of one webhook. Of a webhook without a [`Subject`] there are none.
pub fn mapping(event: &StripeEvent, facts: &Facts<'_>) -> Result<Vec<ServerEvent>, MappingError> {
    let webhook = Webhook { event, facts };
    match event.kind.as_str() {
        "customer.subscription.created" => webhook.created(),
        "customer.subscription.updated" => webhook.updated(),
        "customer.subscription.deleted" => webhook.deleted(),
        "customer.subscription.paused" => webhook.paused(),
        "invoice.paid" => webhook.paid(),
        "invoice.payment_failed" => webhook.payment_failed(),
        "refund.created" => webhook.refund_created(),
        "refund.updated" => webhook.refund_updated(),
        "refund.failed" => webhook.refund_failed(),
        _ => Ok(Vec::new()),
    }
}

/// A webhook beside its facts; the methods are the rows of the table.
#[derive(Clone, Copy)]
struct Webhook<'a> {
    event: &'a StripeEvent,
    facts: &'a Facts<'a>,
}

impl Webhook<'_> {
    /// The subscription of the payload, which must be the one that the facts are of.
    fn subscription(&self) -> Result<Subscription, MappingError> {
        let subscription = Subscription::read(&self.event.object)?;
        self.of_fetched(&subscription.id)?;
        Ok(subscription)
    }

    fn of_fetched(&self, subscription: &str) -> Result<(), MappingError> {
        if subscription == self.facts.fetched.id {
            Ok(())
        } else {
            Err(MappingError::OtherSubscription {
                webhook: subscription.to_owned(),
                fetched: self.facts.fetched.id.clone(),
            })
        }
    }

    /// `interval` is what the payload says of it; where it says nothing, the subscription is asked.
    fn report(
        &self,
        state: SubscriptionStatus,
        interval: Option<Interval>,
    ) -> Result<SubscriptionReport, Unreadable> {
        Ok(SubscriptionReport {
            stripe_event: self.event.id.clone(),
            subscription_status: state,
            interval: self.interval(interval)?,
            subscription: self.facts.fetched.id.clone(),
            fetched_status: standing(std::iter::once(self.facts.fetched).chain(self.facts.others)),
        })
    }

    fn interval(&self, said: Option<Interval>) -> Result<Interval, Unreadable> {
        said.or(self.facts.fetched.interval).ok_or(Unreadable {
            object: "subscription",
            field: "items.data.price.recurring.interval",
        })
    }

    /// An event that somebody brought about, whom the metadata of the payload or a visit to the portal may name.
    fn present<E: PresentEvent>(
        &self,
        metadata: &BTreeMap<String, String>,
        fact: impl FnOnce(Option<tracking::Handoff>) -> E,
    ) -> ServerEvent {
        let handoffs: Vec<_> = Handoff::read(metadata).into_iter().collect();
        let presence = present_ids(
            self.facts.account,
            self.event.created_ms(),
            &handoffs,
            self.facts.visits,
            session::TIMEOUT_MS,
        );
        self.with(presence, fact)
    }

    /// An event of the kind that somebody brings about, at a moment when nobody did.
    fn present_without_click<E: PresentEvent>(
        &self,
        fact: impl FnOnce(Option<tracking::Handoff>) -> E,
    ) -> ServerEvent {
        let nobody = present_ids(self.facts.account, self.event.created_ms(), &[], &[], 0);
        self.with(nobody, fact)
    }

    fn with<E: PresentEvent>(
        &self,
        presence: Presence,
        fact: impl FnOnce(Option<tracking::Handoff>) -> E,
    ) -> ServerEvent {
        let fact = fact(presence.led_by);
        ServerEvent::present(self.facts.account, &fact, presence.ids, presence.time_ms)
    }

    /// An event that nobody brought about. Renewals bring the metadata of the last click along; it is not looked at.
    fn system<E: SystemEvent>(&self, fact: &E) -> ServerEvent {
        ServerEvent::system(self.facts.account, fact, self.event.created_ms())
    }
}

#[cfg(test)]
mod tests;
