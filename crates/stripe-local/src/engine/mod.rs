//! One operation on the world: what the API, the pages, the controls and time itself do through.
//!
//! Everything here is synchronous and in memory. `Stripe` gives an operation the world and the time, and keeps or
//! undoes what it did.

mod cards;
mod change;
mod checkout;
mod collect;
mod ending;
pub(crate) mod events;
mod invoices;
mod pause;
mod refunds;
mod run;
mod subscribe;

pub(crate) use change::{ItemChange, SubscriptionChange, TrialChange};
pub(crate) use checkout::CardForm;
pub(crate) use collect::Collected;
pub(crate) use pause::{Credit, Resume};
pub(crate) use run::Jump;
pub(crate) use subscribe::{NewSubscription, PayFirst};

use serde_json::Value;

use crate::{
    billing::difference::previous_attributes,
    failure::{Answer, Failure},
    render,
    settings::Rules,
    world::{Customer, GlobalClock, Invoice, PaymentMethod, Stored, Subscription, TestClock, World},
};

/// Who caused an operation. Both absent: time, a page or a control.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cause {
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// An operation that is under way.
pub(crate) struct Work<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) rules: &'a Rules,
    /// Wall clock, ms.
    pub(crate) wall_ms: i64,
    /// The origin of hosted pages.
    pub(crate) base_url: &'a str,
    cause: Cause,
    /// What the global clock shows while time passes.
    at: Option<i64>,
    /// An answer in the negative, though what was done is kept.
    refusal: Option<Failure>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        world: &'a mut World,
        rules: &'a Rules,
        wall_ms: i64,
        base_url: &'a str,
        cause: Cause,
    ) -> Self {
        Self {
            world,
            rules,
            wall_ms,
            base_url,
            cause,
            at: None,
            refusal: None,
        }
    }

    /// Answers with a refusal and keeps what was done all the same, as Stripe does with a payment that fails.
    pub(crate) fn keep_despite(&mut self, failure: Failure) -> Answer {
        self.refusal = Some(failure);
        Ok(Value::Null)
    }

    /// Tries something as the only thing of this operation: a refusal leaves nothing behind.
    pub(crate) fn attempt<T>(
        &mut self,
        attempt: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let outcome = attempt(self);
        if outcome.is_err() {
            self.world.undo();
        }
        outcome
    }

    pub(crate) fn take_refusal(&mut self) -> Option<Failure> {
        self.refusal.take()
    }

    /// The wall clock in seconds.
    pub(crate) fn wall(&self) -> i64 {
        self.wall_ms.div_euclid(1000)
    }

    /// What a test clock, or the global clock, shows.
    pub(crate) fn now(&self, test_clock: Option<&str>) -> i64 {
        match test_clock.and_then(|id| self.world.get::<TestClock>(id)) {
            Some(clock) => clock.frozen_time,
            None => self.at.unwrap_or_else(|| self.wall() + self.ahead()),
        }
    }

    /// How far the global clock is ahead of the wall clock, in seconds.
    pub(crate) fn ahead(&self) -> i64 {
        self.world
            .get::<GlobalClock>(GlobalClock::ID)
            .map_or(0, |clock| clock.ahead)
    }

    /// Finds an object named in a parameter (`id`: in the path).
    pub(crate) fn find<T: Stored>(&self, what: &str, id: &str, param: &str) -> Result<T, Failure> {
        self.world
            .get::<T>(id)
            .cloned()
            .ok_or_else(|| Failure::missing(what, id, param))
    }

    /// A customer that was not deleted.
    pub(crate) fn customer(&self, id: &str, param: &str) -> Result<Customer, Failure> {
        let customer = self.find::<Customer>("customer", id, param)?;
        if customer.deleted {
            return Err(Failure::missing("customer", id, param));
        }
        Ok(customer)
    }

    /// The card that a subscription is paid with: its own, else the customer's.
    pub(crate) fn payment_method_of(&self, subscription: &Subscription) -> Option<PaymentMethod> {
        let of_customer = || {
            self.world
                .get::<Customer>(&subscription.customer)?
                .default_payment_method
                .clone()
        };
        let id = subscription.default_payment_method.clone().or_else(of_customer)?;
        self.world.get::<PaymentMethod>(&id).cloned()
    }

    /// The second that a subscription's next change has for itself.
    fn next_second(&self, subscription: &Subscription) -> i64 {
        self.now(subscription.test_clock.as_deref())
            .max(subscription.changed_at + 1)
    }

    /// Changes a subscription without telling anyone, and answers how it looked before and looks now.
    ///
    /// Each change has a second of its own, which `change` is given: a test clock ticks where it has to.
    pub(crate) fn write_subscription(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Subscription, i64),
    ) -> Option<(Value, Value)> {
        let old = self.world.get::<Subscription>(id)?.clone();
        let at = self.next_second(&old);
        let mut new = old.clone();
        change(&mut new, at);
        if new == old {
            return None;
        }
        if new.cancel_at_period_end && new.period != old.period && !new.is_over() {
            // The end was planned for the period's, wherever that is.
            new.cancel_at = Some(new.period.end);
        }
        new.changed_at = at;
        if let Some(mut clock) = old
            .test_clock
            .as_deref()
            .and_then(|id| self.world.get::<TestClock>(id))
            .cloned()
            && at > clock.frozen_time
        {
            clock.frozen_time = at;
            self.world.put(clock);
        }
        let before = render::subscription(self.world, &old);
        let after = render::subscription(self.world, &new);
        self.world.put(new);
        Some((before, after))
    }

    /// Changes a subscription and sends `customer.subscription.updated` if it shows.
    pub(crate) fn change_subscription(&mut self, id: &str, change: impl FnOnce(&mut Subscription, i64)) {
        if let Some((before, after)) = self.write_subscription(id, change)
            && let Some(previous) = previous_attributes(&before, &after)
        {
            self.emit("customer.subscription.updated", after, Some(previous));
        }
    }

    /// Changes an invoice without telling anyone, and answers how it looked before and looks now.
    pub(crate) fn write_invoice(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Invoice),
    ) -> Option<(Value, Value)> {
        let old = self.world.get::<Invoice>(id)?.clone();
        let mut new = old.clone();
        change(&mut new);
        let before = render::invoice(self.world, &old);
        let after = render::invoice(self.world, &new);
        self.world.put(new);
        Some((before, after))
    }

    /// Changes a customer and sends `customer.updated` if it shows.
    pub(crate) fn change_customer(&mut self, new: Customer) {
        let after = render::customer(&new);
        let before = self.world.get::<Customer>(&new.id).map(render::customer);
        self.world.put(new);
        if let Some(previous) = before.and_then(|before| previous_attributes(&before, &after)) {
            self.emit("customer.updated", after, Some(previous));
        }
    }
}
