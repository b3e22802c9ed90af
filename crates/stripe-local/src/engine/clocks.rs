//! The billing clocks: runs the due steps in order, on the global clock and on each test clock.

use super::Operation;
use crate::{
    api_error::ApiError,
    billing::{
        period::{DAY_SECS, max_length_secs},
        schedule::{self, ScheduledStep},
    },
    form::MAX_TIMESTAMP_SECS,
    records::{
        GlobalClockRecord, InvoiceRecord, InvoiceStatus, RecordKind, Records, SubscriptionRecord,
        TestClockRecord,
    },
    render,
};

/// A limit against endless loops. No clock move needs so many steps.
const MAX_STEPS: usize = 100_000;

/// Stripe's limits for one advance of a test clock: without subscriptions, and in intervals of its shortest
/// subscription.
const MAX_ADVANCE_WITHOUT_SUBSCRIPTION_SECS: i64 = 2 * 366 * DAY_SECS;
const MAX_ADVANCE_INTERVALS: i64 = 2;

/// Where a clock is moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BillingClockTarget {
    AheadSecs(i64),
    /// Unix seconds.
    At(i64),
}

/// The next due step on a clock: Unix seconds, step and ID of the object.
fn next_due_step(
    records: &Records,
    test_clock: Option<&str>,
    upcoming_days: Option<i64>,
) -> Option<(i64, ScheduledStep, String)> {
    let subscriptions = records
        .all::<SubscriptionRecord>()
        .filter(|subscription| subscription.test_clock.as_deref() == test_clock)
        .filter_map(|subscription| {
            let (at, step) = schedule::next_subscription_step(subscription, upcoming_days)?;
            Some((at, step, subscription.id()))
        });
    let invoices = records
        .all::<InvoiceRecord>()
        .filter(|invoice| invoice.test_clock.as_deref() == test_clock)
        .filter_map(|invoice| {
            let (at, step) = schedule::next_invoice_step(invoice)?;
            Some((at, step, invoice.id()))
        });
    // `min_by_key` returns the first of equal steps: the oldest object.
    let (at, step, id) = subscriptions
        .chain(invoices)
        .min_by_key(|(at, step, _)| (*at, *step))?;
    Some((at, step, id.to_owned()))
}

impl Operation<'_> {
    /// Runs all steps that are due now, on every clock.
    pub(crate) fn run_due_steps(&mut self) -> Result<(), ApiError> {
        let now = self.now_secs(None);
        if self.records.is_settled_at(now) {
            return Ok(());
        }
        self.run_until(None, now)?;
        let clocks: Vec<(String, i64)> = self
            .records
            .all::<TestClockRecord>()
            .map(|clock| (clock.id.clone(), clock.frozen_time))
            .collect();
        for (clock, now) in clocks {
            self.run_until(Some(&clock), now)?;
        }
        self.expire_checkout_sessions();
        self.delete_expired_records();
        self.records.settle_at(now);
        Ok(())
    }

    /// Moves a clock to `until`. Each due step runs at its own time.
    fn run_until(&mut self, test_clock: Option<&str>, until: i64) -> Result<(), ApiError> {
        for _ in 0..MAX_STEPS {
            let Some((at, step, id)) = next_due_step(self.records, test_clock, self.rules.upcoming_days)
            else {
                break;
            };
            if at > until {
                break;
            }
            self.set_clock(test_clock, at);
            self.run_step(step, &id)?;
        }
        self.set_clock(test_clock, until);
        self.running_at = None;
        Ok(())
    }

    /// Sets a clock forward. A test clock never goes back; a step that was due earlier runs at the current time.
    fn set_clock(&mut self, test_clock: Option<&str>, at: i64) {
        match test_clock.and_then(|id| self.records.get::<TestClockRecord>(id)) {
            Some(clock) if clock.frozen_time < at => {
                let clock = TestClockRecord {
                    frozen_time: at,
                    ..clock.clone()
                };
                self.records.put(clock);
            }
            Some(_) => {}
            None => self.running_at = Some(at),
        }
    }

    /// Moves the global clock forward. Fails if the target is in the past or after 2100.
    pub(crate) fn move_global_clock(&mut self, jump: BillingClockTarget) -> Result<(), ApiError> {
        let now = self.now_secs(None);
        let target = match jump {
            BillingClockTarget::AheadSecs(seconds) => now.saturating_add(seconds),
            BillingClockTarget::At(at) => at,
        };
        if target < now {
            return Err(ApiError::invalid_request("The clock can only be moved forward."));
        }
        if target > MAX_TIMESTAMP_SECS {
            return Err(ApiError::invalid_request(
                "The clock cannot be moved beyond 2100.",
            ));
        }
        self.run_until(None, target)?;
        self.records.put(GlobalClockRecord {
            ahead_secs: self.ahead_secs() + target - now,
            ..GlobalClockRecord::default()
        });
        Ok(())
    }

    /// Moves the clock of a subscription forward to `target`.
    pub(crate) fn move_clock_of(
        &mut self,
        subscription: &SubscriptionRecord,
        target: i64,
    ) -> Result<(), ApiError> {
        match subscription.test_clock.clone() {
            Some(id) => {
                let clock = self.find::<TestClockRecord>("testclock", &id, "id")?;
                self.advance_test_clock(&clock, target.max(clock.frozen_time))
            }
            None => self.move_global_clock(BillingClockTarget::At(target.max(self.now_secs(None)))),
        }
    }

    /// Advances a test clock and emits `advancing` and `ready`. Events of due steps name no API request.
    pub(crate) fn advance_test_clock(
        &mut self,
        clock: &TestClockRecord,
        target: i64,
    ) -> Result<(), ApiError> {
        self.set_advancing(&clock.id, Some(target));
        self.emit_test_clock("test_helpers.test_clock.advancing", &clock.id);
        let cause = std::mem::take(&mut self.cause);
        let ran = self.run_until(Some(&clock.id), target);
        self.cause = cause;
        ran?;
        self.set_advancing(&clock.id, None);
        self.emit_test_clock("test_helpers.test_clock.ready", &clock.id);
        Ok(())
    }

    fn set_advancing(&mut self, id: &str, advancing_to: Option<i64>) {
        if let Some(clock) = self.records.get::<TestClockRecord>(id) {
            let clock = TestClockRecord {
                advancing_to,
                ..clock.clone()
            };
            self.records.put(clock);
        }
    }

    pub(crate) fn emit_test_clock(&mut self, name: &str, id: &str) {
        if let Some(object) = self.records.get::<TestClockRecord>(id).map(render::test_clock) {
            self.emit(name, object, None);
        }
    }

    /// The latest time that a test clock can be advanced to in one call.
    pub(crate) fn max_advance_to(&self, clock: &TestClockRecord) -> i64 {
        let shortest = self
            .records
            .all::<SubscriptionRecord>()
            .filter(|subscription| subscription.test_clock.as_deref() == Some(clock.id.as_str()))
            .map(|subscription| max_length_secs(subscription.recurring))
            .min();
        clock.frozen_time
            + shortest.map_or(MAX_ADVANCE_WITHOUT_SUBSCRIPTION_SECS, |interval| {
                interval * MAX_ADVANCE_INTERVALS
            })
    }

    /// The time of the next payment attempt of a subscription, if there will be one. In a trial it is after the
    /// trial's end; in a paid period it is after the renewal.
    pub(crate) fn next_payment_at(&self, subscription: &SubscriptionRecord) -> Option<i64> {
        let next_invoice_step = self
            .records
            .children::<InvoiceRecord>(&subscription.id)
            .filter(|invoice| matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Open))
            .filter_map(|invoice| schedule::next_invoice_step(invoice).map(|(at, _)| at))
            .min();
        let has_card = self.payment_method_of(subscription).is_some();
        next_invoice_step.or_else(|| {
            schedule::is_billed_at_period_end(subscription, has_card)
                .then_some(subscription.period.end + self.rules.draft_secs)
        })
    }
}
