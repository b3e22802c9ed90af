//! A subscription's beginning.

use super::{Collected, Work};
use crate::{
    billing::{
        cards::Behaviour,
        lifecycle::{self, FirstPayment},
        period,
    },
    failure::Failure,
    form::Metadata,
    render,
    world::{
        BillingMode, BillingReason, Cancellation, Customer, Item, MissingPaymentMethod, Period, Price,
        Recurring, Status, Subscription,
    },
};

/// Most items that a subscription has on Stripe.
const MOST_ITEMS: usize = 20;

/// What a subscription is made of.
pub(crate) struct NewSubscription {
    pub(crate) customer: Customer,
    /// Price, quantity and metadata of each item.
    pub(crate) items: Vec<(String, i64, Metadata)>,
    pub(crate) trial_end: Option<i64>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    pub(crate) billing_mode: BillingMode,
    pub(crate) metadata: Metadata,
    pub(crate) description: Option<String>,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) pay: PayFirst,
}

/// What happens to the first invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PayFirst {
    /// It is paid; a failure leaves the subscription `incomplete`.
    Try,
    /// It is paid, with the card's owner saying yes.
    Confirmed,
    /// A failure makes no subscription.
    OrRefuse,
    /// It waits to be paid.
    Later,
}

impl Work<'_> {
    /// Makes a subscription and answers its ID.
    pub(crate) fn subscribe(&mut self, new: NewSubscription) -> Result<String, Failure> {
        let now = self.now(new.customer.test_clock.as_deref());
        let (recurring, currency) = self.common_terms(new.items.iter().map(|(price, ..)| price.as_str()))?;
        if new
            .customer
            .currency
            .as_deref()
            .is_some_and(|known| known != currency)
        {
            return Err(Failure::invalid(
                "You cannot combine currencies on a single customer.",
            ));
        }
        let trial = new
            .trial_end
            .filter(|end| *end > now)
            .map(|end| Period { start: now, end });
        let items: Vec<Item> = new
            .items
            .into_iter()
            .map(|(price, quantity, metadata)| Item {
                id: self.world.mint("si"),
                created: now,
                price,
                quantity,
                metadata,
            })
            .collect();
        let period = trial.unwrap_or_else(|| period::first(now, recurring));
        let mut subscription = Subscription {
            id: self.world.mint("sub"),
            created: now,
            customer: new.customer.id.clone(),
            test_clock: new.customer.test_clock.clone(),
            status: Status::Incomplete,
            items,
            recurring,
            currency: currency.clone(),
            period,
            billing_cycle_anchor: trial.map_or(now, |trial| trial.end),
            billing_mode: new.billing_mode,
            cancel_at: None,
            cancel_at_period_end: false,
            canceled_at: None,
            cancellation: Cancellation::default(),
            ended_at: None,
            default_payment_method: new.default_payment_method,
            description: new.description,
            latest_invoice: None,
            metadata: new.metadata,
            trial,
            missing_payment_method: new.missing_payment_method,
            pause: None,
            pending_lines: Vec::new(),
            trial_notice_sent: false,
            upcoming_sent_for: None,
            changed_at: now,
        };
        let lines = self.period_lines(&subscription.items, period, trial.is_some());
        let due = lines.iter().map(|line| line.amount).sum::<i64>() > 0;
        let first = if due {
            self.first_payment(&subscription, new.pay)
        } else {
            FirstPayment::NotNeeded
        };
        subscription.status = lifecycle::first_status(trial.is_some(), first);
        let at_once = Period { start: now, end: now };
        let invoice = self.draft(&subscription, BillingReason::SubscriptionCreate, lines, at_once);
        subscription.latest_invoice = Some(invoice.clone());
        let id = subscription.id.clone();
        let object = render::subscription(self.world, &subscription);
        self.world.put(subscription);
        self.emit("customer.subscription.created", object, None);
        self.emit_invoice("invoice.created", &invoice);
        let pay = new.pay != PayFirst::Later;
        let collected = self.finalize(&invoice, pay, new.pay == PayFirst::Confirmed)?;
        if let (PayFirst::OrRefuse, Collected::Failed(decline)) = (new.pay, &collected) {
            return Err(Failure::card(
                &decline.code,
                decline.decline_code.as_deref(),
                &decline.message,
            ));
        }
        let customer = Customer {
            currency: Some(currency),
            ..self.find("customer", &new.customer.id, "customer")?
        };
        self.change_customer(customer);
        Ok(id)
    }

    /// Interval and currency that all prices must share.
    pub(crate) fn common_terms<'p>(
        &self,
        prices: impl Iterator<Item = &'p str>,
    ) -> Result<(Recurring, String), Failure> {
        let mut common: Option<(Recurring, String)> = None;
        for (index, id) in prices.enumerate() {
            let price = self.find::<Price>("price", id, &format!("items[{index}][price]"))?;
            if !price.active {
                return Err(Failure::invalid(format!("The price specified is inactive: {id}")));
            }
            let Some(recurring) = price.recurring else {
                return Err(Failure::invalid(format!(
                    "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {id}"
                )));
            };
            let terms = (recurring, price.currency);
            match &common {
                None => common = Some(terms),
                Some(first) if *first == terms && index < MOST_ITEMS => {}
                Some(_) => {
                    return Err(Failure::invalid(
                        "stripe-local takes up to 20 items of one currency and one interval in a subscription.",
                    ));
                }
            }
        }
        common.ok_or_else(|| Failure::missing_parameter("items"))
    }

    /// How paying will go: the status that the world first hears of is already the right one.
    fn first_payment(&self, subscription: &Subscription, pay: PayFirst) -> FirstPayment {
        let Some(method) = self.payment_method_of(subscription) else {
            return FirstPayment::Open;
        };
        let works = match method.card.behaviour {
            Behaviour::NeedsConfirmation => pay == PayFirst::Confirmed,
            other => other.charge().is_ok(),
        };
        if works && pay != PayFirst::Later {
            FirstPayment::Succeeded
        } else {
            FirstPayment::Open
        }
    }
}
