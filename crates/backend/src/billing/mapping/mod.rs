//! Maps a webhook to events.
//!
//! *What* happened is read from the webhook's own payload, which does not change. *Which payment* it was is read from
//! Stripe's list of the subscription's paid invoices. Neither depends on when, how often, or in which order webhooks
//! arrive, so any order gives the same events. Only the user properties depend on the fetched state.
//!
//! One type of webhook reports each fact. The other types that Stripe sends for it give no events:
//!
//! | event | webhook | when |
//! |---|---|---|
//! | Trial started | `customer.subscription.created` | trialing |
//! | Trial, Subscription canceled, resumed | `customer.subscription.updated` | a cancellation was scheduled or undone |
//! | Subscription changed | `customer.subscription.updated` | another interval during the trial |
//! | | `invoice.paid` | the change's invoice |
//! | Trial converted, Subscription started | `invoice.paid` | the first payment |
//! | Subscription renewal | `invoice.paid` | a later payment |
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

use super::handoff::{PortalVisit, PresenceAtChange, StripeHandoff, present_ids};
use super::payload::{Invoice, PayloadError, Refund, StripeEvent, Subscription};
use super::plan::account_status;

/// What the mapping needs besides the webhook, all about one subscription.
#[derive(Clone, Copy, Debug)]
pub struct MappingInput<'a> {
    /// The account of the webhook's customer. The metadata does not decide this.
    pub account: UserId,
    /// The subscription as fetched for this webhook.
    pub fetched: &'a Subscription,
    /// The customer's other subscriptions.
    pub others: &'a [Subscription],
    /// The subscription's paid invoices as Stripe lists them, in any order.
    pub paid_invoices: &'a [Invoice],
    /// For a refund: the refunded invoice.
    pub refunded_invoice: Option<&'a str>,
    /// The account's visits to Stripe's portal.
    pub visits: &'a [PortalVisit],
}

/// What a webhook is about, and so what to fetch before it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This subscription, with its paid invoices.
    Subscription(String),
    /// A refund. Its subscription is found through the refunded invoice.
    Refund(Refund),
    /// A customer. It gives no event, but a card may have been added or removed.
    Customer(String),
}

/// Why a webhook could not be mapped. A retry does not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The payload could not be read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The input belongs to another subscription.
    #[error("the webhook is about {webhook}, but {fetched} was fetched")]
    OtherSubscription {
        /// The webhook's subscription.
        webhook: String,
        /// The fetched subscription.
        fetched: String,
    },
}

/// The subject of a webhook; `None` if it has no effect here.
pub fn subject(event: &StripeEvent) -> Result<Option<Subject>, PayloadError> {
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
        // All types, because even one without an event may change our copy of the subscription.
        kind if kind.starts_with("customer.subscription.") => {
            Some(Subject::Subscription(Subscription::read(&event.object)?.id))
        }
        _ => None,
    })
}

/// The events of one webhook. A webhook without a [`Subject`] has none.
pub fn map_webhook(event: &StripeEvent, input: &MappingInput<'_>) -> Result<Vec<ServerEvent>, MappingError> {
    let webhook = Webhook { event, input };
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

/// A webhook and its input. The methods are the rows of the table.
#[derive(Clone, Copy)]
struct Webhook<'a> {
    event: &'a StripeEvent,
    input: &'a MappingInput<'a>,
}

impl Webhook<'_> {
    /// The subscription of the payload. Fails if it is not the fetched one.
    fn subscription(&self) -> Result<Subscription, MappingError> {
        let subscription = Subscription::read(&self.event.object)?;
        self.check_subscription(&subscription.id)?;
        Ok(subscription)
    }

    fn check_subscription(&self, subscription: &str) -> Result<(), MappingError> {
        if subscription == self.input.fetched.id {
            Ok(())
        } else {
            Err(MappingError::OtherSubscription {
                webhook: subscription.to_owned(),
                fetched: self.input.fetched.id.clone(),
            })
        }
    }

    /// `interval` is the payload's. If it is `None`, the fetched subscription's is used.
    fn report(
        &self,
        state: SubscriptionStatus,
        interval: Option<Interval>,
    ) -> Result<SubscriptionReport, PayloadError> {
        Ok(SubscriptionReport {
            stripe_event: self.event.id.clone(),
            subscription_status: state,
            interval: self.interval(interval)?,
            subscription: self.input.fetched.id.clone(),
            fetched_status: account_status(std::iter::once(self.input.fetched).chain(self.input.others)),
        })
    }

    fn interval(&self, said: Option<Interval>) -> Result<Interval, PayloadError> {
        said.or(self.input.fetched.interval).ok_or(PayloadError {
            object: "subscription",
            field: "items.data.price.recurring.interval",
        })
    }

    /// An event that a person caused. The payload's metadata or a portal visit gives the person's session.
    fn present<E: PresentEvent>(
        &self,
        metadata: &BTreeMap<String, String>,
        fact: impl FnOnce(Option<tracking::HandoffRef>) -> E,
    ) -> ServerEvent {
        let handoffs: Vec<_> = StripeHandoff::read(metadata).into_iter().collect();
        let presence = present_ids(
            self.input.account,
            self.event.created_ms(),
            &handoffs,
            self.input.visits,
            session::TIMEOUT_MS,
        );
        self.with(presence, fact)
    }

    /// An event of a kind that people cause, but without a click in this case.
    fn present_without_click<E: PresentEvent>(
        &self,
        fact: impl FnOnce(Option<tracking::HandoffRef>) -> E,
    ) -> ServerEvent {
        let presence = present_ids(self.input.account, self.event.created_ms(), &[], &[], 0);
        self.with(presence, fact)
    }

    fn with<E: PresentEvent>(
        &self,
        presence: PresenceAtChange,
        fact: impl FnOnce(Option<tracking::HandoffRef>) -> E,
    ) -> ServerEvent {
        let fact = fact(presence.caused_by);
        ServerEvent::present(self.input.account, &fact, presence.ids, presence.time_ms)
    }

    /// An event that no person caused. The metadata of the last click is ignored.
    fn system<E: SystemEvent>(&self, fact: &E) -> ServerEvent {
        ServerEvent::system(self.input.account, fact, self.event.created_ms())
    }
}

#[cfg(test)]
mod tests;
