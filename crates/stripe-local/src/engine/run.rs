//! Time: one loop that carries out what is due, in order, on the global clock and on each test clock.

use super::Work;
use crate::{
    billing::{
        period::{DAY, longest},
        schedule::{self, Step},
    },
    failure::Failure,
    form::LATEST,
    render,
    world::{
        CheckoutSession, CheckoutStatus, Customer, Event, GlobalClock, Invoice, InvoiceStatus, KeptAnswer,
        Stored, Subscription, TestClock, World,
    },
};

/// More steps than any jump needs; a loop beyond it would never end.
const MOST_STEPS: usize = 100_000;

/// Stripe's limits on a test clock without subscriptions, and on how far it goes at once with them.
const FARTHEST_WITHOUT: i64 = 2 * 366 * DAY;
const FARTHEST_INTERVALS: i64 = 2;

/// How long Stripe keeps events and idempotency keys.
const EVENT_DAYS: i64 = 30;
const KEY_DAYS: i64 = 1;

/// Where a clock is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    /// Seconds ahead.
    By(i64),
    /// A moment.
    To(i64),
}

/// What is due next on a clock: the moment, the step, and the object's ID.
fn next(world: &World, test_clock: Option<&str>, upcoming_days: Option<i64>) -> Option<(i64, Step, String)> {
    let subscriptions = world
        .all::<Subscription>()
        .filter(|subscription| subscription.test_clock.as_deref() == test_clock)
        .filter_map(|subscription| {
            let (at, step) = schedule::of_subscription(subscription, upcoming_days)?;
            Some((at, step, subscription.id()))
        });
    let invoices = world
        .all::<Invoice>()
        .filter(|invoice| invoice.test_clock.as_deref() == test_clock)
        .filter_map(|invoice| {
            let (at, step) = schedule::of_invoice(invoice)?;
            Some((at, step, invoice.id()))
        });
    // Of equals the one that was made first.
    let (at, step, id) = subscriptions
        .chain(invoices)
        .min_by_key(|(at, step, _)| (*at, *step))?;
    Some((at, step, id.to_owned()))
}

impl Work<'_> {
    /// Carries out everything that is due by now, on every clock.
    pub(crate) fn catch_up(&mut self) -> Result<(), Failure> {
        let now = self.now(None);
        self.run_until(None, now)?;
        let clocks: Vec<(String, i64)> = self
            .world
            .all::<TestClock>()
            .map(|clock| (clock.id.clone(), clock.frozen_time))
            .collect();
        for (clock, now) in clocks {
            self.run_until(Some(&clock), now)?;
        }
        self.expire_pages();
        self.forget();
        Ok(())
    }

    /// Lets a clock reach `until`, with everything on the way at its own moment.
    fn run_until(&mut self, test_clock: Option<&str>, until: i64) -> Result<(), Failure> {
        for _ in 0..MOST_STEPS {
            let Some((at, step, id)) = next(self.world, test_clock, self.rules.upcoming_days) else {
                break;
            };
            if at > until {
                break;
            }
            self.set(test_clock, at);
            self.perform(step, &id)?;
        }
        self.set(test_clock, until);
        self.at = None;
        Ok(())
    }

    /// A clock never goes back: what was due long ago happens at its own moment on the global clock only.
    fn set(&mut self, test_clock: Option<&str>, at: i64) {
        match test_clock.and_then(|id| self.world.get::<TestClock>(id)) {
            Some(clock) if clock.frozen_time < at => {
                let clock = TestClock {
                    frozen_time: at,
                    ..clock.clone()
                };
                self.world.put(clock);
            }
            Some(_) => {}
            None => self.at = Some(at),
        }
    }

    /// Moves the global clock ahead. It never goes back.
    pub(crate) fn jump(&mut self, jump: Jump) -> Result<(), Failure> {
        let now = self.now(None);
        let target = match jump {
            Jump::By(seconds) => now.saturating_add(seconds),
            Jump::To(at) => at,
        };
        if target < now {
            return Err(Failure::invalid("The clock only goes forward."));
        }
        if target > LATEST {
            return Err(Failure::invalid("The clock ends in 2100."));
        }
        self.run_until(None, target)?;
        self.world.put(GlobalClock {
            ahead: self.ahead() + target - now,
            ..GlobalClock::default()
        });
        Ok(())
    }

    /// Moves the clock that a subscription is on.
    pub(crate) fn jump_for(&mut self, subscription: &Subscription, target: i64) -> Result<(), Failure> {
        match subscription.test_clock.clone() {
            Some(id) => {
                let clock = self.find::<TestClock>("testclock", &id, "id")?;
                self.advance(&clock, target.max(clock.frozen_time))
            }
            None => self.jump(Jump::To(target.max(self.now(None)))),
        }
    }

    /// Advances a test clock with its events. The answer to the API shows it on its way.
    pub(crate) fn advance(&mut self, clock: &TestClock, target: i64) -> Result<(), Failure> {
        self.set_advancing(&clock.id, Some(target));
        self.emit_clock("test_helpers.test_clock.advancing", &clock.id);
        let cause = std::mem::take(&mut self.cause);
        let ran = self.run_until(Some(&clock.id), target);
        self.cause = cause;
        ran?;
        self.set_advancing(&clock.id, None);
        self.emit_clock("test_helpers.test_clock.ready", &clock.id);
        Ok(())
    }

    fn set_advancing(&mut self, id: &str, advancing_to: Option<i64>) {
        if let Some(clock) = self.world.get::<TestClock>(id) {
            let clock = TestClock {
                advancing_to,
                ..clock.clone()
            };
            self.world.put(clock);
        }
    }

    pub(crate) fn emit_clock(&mut self, name: &str, id: &str) {
        if let Some(object) = self.world.get::<TestClock>(id).map(render::test_clock) {
            self.emit(name, object, None);
        }
    }

    /// The farthest moment that a test clock may be advanced to at once.
    pub(crate) fn farthest(&self, clock: &TestClock) -> i64 {
        let shortest = self
            .world
            .all::<Subscription>()
            .filter(|subscription| subscription.test_clock.as_deref() == Some(clock.id.as_str()))
            .map(|subscription| longest(subscription.recurring))
            .min();
        clock.frozen_time + shortest.map_or(FARTHEST_WITHOUT, |interval| interval * FARTHEST_INTERVALS)
    }

    /// Deletes a test clock with everybody on it.
    pub(crate) fn delete_clock(&mut self, id: &str) {
        let subscriptions: Vec<String> = self
            .world
            .all::<Subscription>()
            .filter(|subscription| subscription.test_clock.as_deref() == Some(id) && !subscription.is_over())
            .map(|subscription| subscription.id.clone())
            .collect();
        for subscription in subscriptions {
            self.end(&subscription, None);
        }
        let customers: Vec<Customer> = self
            .world
            .all::<Customer>()
            .filter(|customer| customer.test_clock.as_deref() == Some(id) && !customer.deleted)
            .cloned()
            .collect();
        for customer in customers {
            self.delete_customer(&customer);
        }
        self.emit_clock("test_helpers.test_clock.deleted", id);
        self.world.remove(id);
    }

    /// Deletes a customer: subscriptions end at once, the customer is known only as deleted.
    pub(crate) fn delete_customer(&mut self, customer: &Customer) {
        let subscriptions: Vec<String> = self
            .world
            .all::<Subscription>()
            .filter(|subscription| subscription.customer == customer.id && !subscription.is_over())
            .map(|subscription| subscription.id.clone())
            .collect();
        for subscription in subscriptions {
            self.end(&subscription, Some("cancellation_requested"));
        }
        let object = render::customer(customer);
        self.world.put(Customer {
            deleted: true,
            ..customer.clone()
        });
        self.emit("customer.deleted", object, None);
    }

    fn expire_pages(&mut self) {
        let wall = self.wall();
        let late: Vec<CheckoutSession> = self
            .world
            .all::<CheckoutSession>()
            .filter(|session| session.status == CheckoutStatus::Open && session.expires_at <= wall)
            .cloned()
            .collect();
        for session in late {
            self.expire_checkout(&session);
        }
    }

    /// Forgets events, deliveries and kept answers as Stripe does.
    fn forget(&mut self) {
        let wall = self.wall();
        let old_event = |event: &Event| event.created < wall - EVENT_DAYS * DAY;
        let gone: Vec<String> = self
            .world
            .all::<Event>()
            .take_while(|event| old_event(event))
            .map(|event| event.id.clone())
            .collect();
        let kept = self
            .world
            .all::<KeptAnswer>()
            .take_while(|kept| kept.stored_at < wall - KEY_DAYS * DAY)
            .map(|kept| kept.id.clone());
        let mut ids: Vec<String> = kept.collect();
        if !gone.is_empty() {
            let deliveries = self.world.all::<crate::world::Delivery>();
            ids.extend(
                deliveries
                    .filter(|delivery| gone.contains(&delivery.event))
                    .map(|delivery| delivery.id.clone()),
            );
        }
        ids.extend(gone);
        for id in ids {
            self.world.remove(&id);
        }
    }

    /// The moment of the next attempt to take money for a subscription, if there will be one. From a trial it is beyond
    /// its end, from a paid period beyond its renewal.
    pub(crate) fn next_payment(&self, subscription: &Subscription) -> Option<i64> {
        let of_invoice = self
            .world
            .all::<Invoice>()
            .filter(|invoice| invoice.subscription == subscription.id)
            .filter(|invoice| matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Open))
            .filter_map(|invoice| schedule::of_invoice(invoice).map(|(at, _)| at))
            .min();
        let has_card = self.payment_method_of(subscription).is_some();
        of_invoice.or_else(|| {
            schedule::is_billed_at_period_end(subscription, has_card)
                .then_some(subscription.period.end + self.rules.draft_seconds)
        })
    }
}
