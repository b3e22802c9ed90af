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
//! | Subscription changed | `customer.subscription.updated` | other items, and no new invoice or on trial |
//! | | with `invoice.paid` | other items, and a new invoice |
//! | Trial converted, Subscription started | `invoice.paid` | the first one for a period after the trial, also of zero |
//! | Subscription renewal | `invoice.paid` | a later period with an amount |
//! | Subscription charge | `invoice.paid` | any other amount, such as a set-up fee at the start of a trial |
//! | Trial, Subscription expiration | `customer.subscription.deleted`, `.paused` | before, or after the first period |
//! | Payment failure | `invoice.payment_failed` | each attempt |
//! | Subscription refund | `refund.created`, `.updated`, `.failed` | it succeeded, or failed after that |
//! | Subscription dispute | `charge.dispute.closed` | lost |
//!
//! An invoice does not say what changed, and a change does not say whether its invoice was paid. So both webhooks are
//! needed, and the later one gives the event, from the content of both ([`MappingInput::related`]).

mod change;
mod dispute;
mod payment;
mod refund;
mod subscription;

use std::collections::BTreeMap;

use serde_json::Value;
use tracking::{
    Interval, PresentEvent, ServerEvent, SubscriptionReport, SubscriptionStatus, SystemEvent, UserId, session,
};

use super::handoff::{PortalVisit, PresenceAtChange, StripeHandoff, present_ids};
use super::payload::{self, Dispute, Invoice, PayloadError, Refund, StripeEvent, Subscription};
use super::plan::{PlanProduct, account_status};

/// What the mapping needs besides the webhook, all about one subscription.
#[derive(Clone, Copy, Debug)]
pub struct MappingInput<'a> {
    /// The account of the webhook's customer. The metadata does not decide this.
    pub account: UserId,
    /// The subscription as fetched for this webhook.
    pub fetched: &'a Subscription,
    /// The account's other subscriptions.
    pub others: &'a [Subscription],
    /// The subscription's paid invoices as Stripe lists them, in any order.
    pub paid_invoices: &'a [Invoice],
    /// For a refund or a dispute: the invoice of its payment.
    pub reversed_invoice: Option<&'a str>,
    /// Received webhooks about the same invoice, applied or not. See [`invoice_of`].
    pub related: &'a [StripeEvent],
    /// The product that is the plan.
    pub product: &'a PlanProduct,
    /// The account's visits to Stripe's portal.
    pub visits: &'a [PortalVisit],
    /// Our rows of the account's clicks, which have the contexts that metadata does not carry.
    pub clicks: &'a [StripeHandoff],
}

/// What a webhook is about, and so what to fetch before it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This subscription, with its paid invoices.
    Subscription(String),
    /// Money that went back. Its subscription is found through the invoice of the payment.
    Reversal(Reversal),
    /// A customer. It gives no event, but a card may have been added or removed.
    Customer(String),
    /// A customer that was deleted. It gives no event, because Stripe reports the end of each subscription separately.
    DeletedCustomer(String),
}

/// Money that went back to a customer, or to the customer's bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// A refund.
    Refund(Refund),
    /// A closed dispute.
    Dispute(Dispute),
}

impl Reversal {
    /// Stripe's ID of the payment.
    pub fn payment_intent(&self) -> Option<&str> {
        match self {
            Self::Refund(refund) => refund.payment_intent.as_deref(),
            Self::Dispute(dispute) => dispute.payment_intent.as_deref(),
        }
    }

    /// Stripe's name of the object, for errors.
    pub const fn object(&self) -> &'static str {
        match self {
            Self::Refund(_) => "refund",
            Self::Dispute(_) => "dispute",
        }
    }
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

/// The types of webhooks that have an effect here: an event, a change of our records, or a mail. Stripe's endpoint must send
/// them. One request for a list of events names up to 20 types.
pub const WEBHOOK_TYPES: [&str; 14] = [
    "charge.dispute.closed",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.paid",
    "invoice.payment_failed",
    "refund.created",
    "refund.failed",
    "refund.updated",
];

/// The subject of a webhook; `None` if it has no effect here.
pub fn subject(event: &StripeEvent) -> Result<Option<Subject>, PayloadError> {
    Ok(match event.kind.as_str() {
        "invoice.paid" | "invoice.payment_failed" => Invoice::read(&event.object)?
            .subscription
            .map(Subject::Subscription),
        "refund.created" | "refund.updated" | "refund.failed" => {
            Some(Subject::Reversal(Reversal::Refund(Refund::read(&event.object)?)))
        }
        "charge.dispute.closed" => Some(Subject::Reversal(Reversal::Dispute(Dispute::read(
            &event.object,
        )?))),
        "customer.updated" => event
            .customer()
            .map(|customer| Subject::Customer(customer.to_owned())),
        "customer.deleted" => event
            .customer()
            .map(|customer| Subject::DeletedCustomer(customer.to_owned())),
        // All types, because even one without an event may change our copy of the subscription.
        kind if kind.starts_with("customer.subscription.") => {
            Some(Subject::Subscription(Subscription::read(&event.object)?.id))
        }
        _ => None,
    })
}

/// The invoice that a webhook introduces or reports as paid. Other webhooks about it are [`MappingInput::related`].
pub fn invoice_of(event: &StripeEvent) -> Option<&str> {
    let text = |value: &'_ Value| value.as_str().map(str::to_owned);
    match event.kind.as_str() {
        "invoice.paid" => event.object["id"].as_str(),
        "customer.subscription.updated" => event.object["latest_invoice"]
            .as_str()
            .filter(|_| text(&event.before()["latest_invoice"]) != text(&event.object["latest_invoice"])),
        "customer.subscription.resumed" => event.object["latest_invoice"].as_str(),
        _ => None,
    }
}

/// The webhook whose change is reported: for a paid invoice of a change the change itself, otherwise `event`.
pub fn cause<'a>(event: &'a StripeEvent, related: &'a [StripeEvent]) -> &'a StripeEvent {
    if event.kind != "invoice.paid" || event.object["billing_reason"] != "subscription_update" {
        return event;
    }
    let invoice = invoice_of(event);
    let introduces = |other: &&StripeEvent| other.kind != "invoice.paid" && invoice_of(other) == invoice;
    related.iter().find(introduces).unwrap_or(event)
}

/// The events of one webhook. A webhook without a [`Subject`] has none.
pub fn map_webhook(event: &StripeEvent, input: &MappingInput<'_>) -> Result<Vec<ServerEvent>, MappingError> {
    let webhook = Webhook { event, input };
    match event.kind.as_str() {
        "customer.subscription.created" => webhook.created(),
        "customer.subscription.updated" => webhook.updated(),
        "customer.subscription.deleted" => webhook.deleted(),
        "customer.subscription.paused" => webhook.paused(),
        "customer.subscription.resumed" => webhook.resumed_after_pause(),
        "invoice.paid" => webhook.paid(),
        "invoice.payment_failed" => webhook.payment_failed(),
        "refund.created" => webhook.refund_created(),
        "refund.updated" => webhook.refund_updated(),
        "refund.failed" => webhook.refund_failed(),
        "charge.dispute.closed" => webhook.dispute_closed(),
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
        let subscriptions = std::iter::once(self.input.fetched).chain(self.input.others);
        Ok(SubscriptionReport {
            stripe_event: self.event.id.clone(),
            subscription_status: state,
            interval: match interval {
                Some(interval) => interval,
                None => self.plan_interval(self.input.fetched)?,
            },
            subscription: self.input.fetched.id.clone(),
            fetched_status: account_status(subscriptions, self.input.product),
        })
    }

    /// The interval of the plan's item.
    fn plan_interval(&self, subscription: &Subscription) -> Result<Interval, PayloadError> {
        let item = self.input.product.item(&subscription.terms);
        item.and_then(|item| item.price.interval).ok_or(PayloadError {
            object: "subscription",
            field: "items.data.price.recurring.interval",
        })
    }

    /// The interval that an invoice charges. Newer API versions name only the price, which never changes its interval, so
    /// any object that has the price has the answer.
    fn invoice_interval(&self, invoice: &Invoice) -> Option<Interval> {
        let subscriptions = || std::iter::once(self.input.fetched).chain(self.input.others);
        invoice.interval(|price| {
            let mut items = subscriptions().flat_map(|subscription| &subscription.terms.items);
            items.find(|item| item.price.id == price)?.price.interval
        })
    }

    /// An event that a person caused. The payload's metadata or a portal visit gives the person's session.
    fn present<E: PresentEvent>(
        &self,
        metadata: &BTreeMap<String, String>,
        fact: impl FnOnce(Option<tracking::HandoffRef>) -> E,
    ) -> ServerEvent {
        let handoff = StripeHandoff::read(metadata).filter(|handoff| self.is_handed_over(handoff));
        let handoff = handoff.map(|handoff| handoff.with_noted_context(self.input.clicks));
        let handoffs: Vec<_> = handoff.into_iter().collect();
        let presence = present_ids(
            self.input.account,
            self.event.created_ms(),
            &handoffs,
            self.input.visits,
            session::TIMEOUT_MS,
        );
        self.with(presence, fact)
    }

    /// Whether the change of this webhook brought the click's IDs. A click writes them in the request of its change, and they
    /// stay in the metadata, so IDs that were there before belong to an earlier change.
    fn is_handed_over(&self, handoff: &StripeHandoff) -> bool {
        if self.event.kind != "customer.subscription.updated" {
            return true;
        }
        let before = self.event.before().get("metadata").and_then(payload::metadata);
        before.and_then(|before| StripeHandoff::read(&before)).as_ref() != Some(handoff)
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
