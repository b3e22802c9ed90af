//! Operations on the records of an account. The API, the pages, the controls and the clocks all use them.
//!
//! Operations are synchronous and in memory. `StripeStandIn` provides the records and the time, and saves or undoes
//! the changes.

mod cards;
mod change;
mod checkout;
mod clocks;
mod collect;
mod configured_endpoints;
mod deletion;
mod disputes;
pub(crate) mod events;
mod invoices;
mod pause;
mod refunds;
mod subscribe;
mod transitions;

pub(crate) use change::{ItemChange, SubscriptionChange, TrialChange};
pub(crate) use checkout::CardForm;
pub(crate) use clocks::BillingClockTarget;
pub(crate) use collect::CollectionOutcome;
pub(crate) use configured_endpoints::register_configured_endpoints;
pub(crate) use pause::{PauseCredit, ResumeMode};
pub(crate) use subscribe::{FirstPaymentPolicy, NewSubscription};

use serde_json::Value;

use crate::{
    api_error::{ApiError, ApiResult},
    billing::previous_attributes::previous_attributes,
    records::{
        CustomerRecord, GlobalClockRecord, InvoiceRecord, PaymentMethodRecord, RecordKind, Records,
        SubscriptionRecord, TestClockRecord,
    },
    render,
    settings::AccountRules,
};

/// The API request that caused an operation. Both fields are `None` if a clock, a page or a control caused it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cause {
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// A running operation.
pub(crate) struct Operation<'a> {
    pub(crate) records: &'a mut Records,
    pub(crate) rules: &'a AccountRules,
    pub(crate) wall_ms: i64,
    /// The origin that links to hosted pages start with.
    pub(crate) base_url: &'a str,
    cause: Cause,
    /// The time of the global clock while due steps run, in Unix seconds.
    running_at: Option<i64>,
    /// An error response whose changes are saved nevertheless.
    error_response: Option<ApiError>,
}

impl<'a> Operation<'a> {
    pub(crate) fn new(
        records: &'a mut Records,
        rules: &'a AccountRules,
        wall_ms: i64,
        base_url: &'a str,
        cause: Cause,
    ) -> Self {
        Self {
            records,
            rules,
            wall_ms,
            base_url,
            cause,
            running_at: None,
            error_response: None,
        }
    }

    /// Responds with an error but saves the changes, as Stripe does for a failed payment.
    pub(crate) fn commit_with_error(&mut self, error: ApiError) -> ApiResult {
        self.error_response = Some(error);
        Ok(Value::Null)
    }

    /// Runs `attempt` and undoes all changes of this operation if it fails.
    pub(crate) fn attempt_or_undo<T>(
        &mut self,
        attempt: impl FnOnce(&mut Self) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let result = attempt(self);
        if result.is_err() {
            self.records.rollback();
        }
        result
    }

    pub(crate) fn take_error_response(&mut self) -> Option<ApiError> {
        self.error_response.take()
    }

    /// The wall clock, in Unix seconds.
    pub(crate) fn wall_secs(&self) -> i64 {
        self.wall_ms.div_euclid(1000)
    }

    /// The time of a test clock, or of the global clock without one, in Unix seconds.
    pub(crate) fn now_secs(&self, test_clock: Option<&str>) -> i64 {
        match test_clock.and_then(|id| self.records.get::<TestClockRecord>(id)) {
            Some(clock) => clock.frozen_time,
            None => self
                .running_at
                .unwrap_or_else(|| self.wall_secs() + self.ahead_secs()),
        }
    }

    /// Seconds that the global clock is ahead of the wall clock.
    pub(crate) fn ahead_secs(&self) -> i64 {
        self.records
            .get::<GlobalClockRecord>(GlobalClockRecord::ID)
            .map_or(0, |clock| clock.ahead_secs)
    }

    /// The record with an ID. Fails with `resource_missing`; `param` is `id` if the ID comes from the path.
    pub(crate) fn find<T: RecordKind>(
        &self,
        object_type: &str,
        id: &str,
        param: &str,
    ) -> Result<T, ApiError> {
        self.records
            .get::<T>(id)
            .cloned()
            .ok_or_else(|| ApiError::no_such_object(object_type, id, param))
    }

    /// The customer with an ID. Fails with `resource_missing`, also if the customer is deleted.
    pub(crate) fn find_customer(&self, id: &str, param: &str) -> Result<CustomerRecord, ApiError> {
        let customer = self.find::<CustomerRecord>("customer", id, param)?;
        if customer.deleted {
            return Err(ApiError::no_such_object("customer", id, param));
        }
        Ok(customer)
    }

    /// The card that pays for a subscription: its own card, or else the customer's default.
    pub(crate) fn payment_method_of(&self, subscription: &SubscriptionRecord) -> Option<PaymentMethodRecord> {
        let of_customer = || {
            self.records
                .get::<CustomerRecord>(&subscription.customer)?
                .default_payment_method
                .clone()
        };
        let id = subscription.default_payment_method.clone().or_else(of_customer)?;
        self.records.get::<PaymentMethodRecord>(&id).cloned()
    }

    /// The time of a subscription's next change, in Unix seconds. No two changes share a second.
    fn next_change_at(&self, subscription: &SubscriptionRecord) -> i64 {
        self.now_secs(subscription.test_clock.as_deref())
            .max(subscription.changed_at + 1)
    }

    /// Changes a subscription without an event. Returns the rendered object before and after, or `None` if nothing
    /// changed.
    ///
    /// `change` gets the time of the change, which no other change has. A test clock is moved forward if needed.
    pub(crate) fn write_subscription(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut SubscriptionRecord, i64),
    ) -> Option<(Value, Value)> {
        let old = self.records.get::<SubscriptionRecord>(id)?.clone();
        let at = self.next_change_at(&old);
        let mut new = old.clone();
        change(&mut new, at);
        if new == old {
            return None;
        }
        if new.cancel_at_period_end && new.period != old.period && !new.has_ended() {
            // The cancellation was scheduled for the end of the period, and the period changed.
            new.cancel_at = Some(new.period.end);
        }
        new.changed_at = at;
        if let Some(mut clock) = old
            .test_clock
            .as_deref()
            .and_then(|id| self.records.get::<TestClockRecord>(id))
            .cloned()
            && at > clock.frozen_time
        {
            clock.frozen_time = at;
            self.records.put(clock);
        }
        let before = render::subscription(self.records, &old);
        let after = render::subscription(self.records, &new);
        self.records.put(new);
        Some((before, after))
    }

    /// Changes a subscription and emits `customer.subscription.updated` if the rendered object changed.
    pub(crate) fn change_subscription(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut SubscriptionRecord, i64),
    ) {
        if let Some((before, after)) = self.write_subscription(id, change)
            && let Some(previous) = previous_attributes(&before, &after)
        {
            self.emit("customer.subscription.updated", after, Some(previous));
        }
    }

    /// Changes an invoice without an event. Returns the rendered object before and after.
    pub(crate) fn write_invoice(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut InvoiceRecord),
    ) -> Option<(Value, Value)> {
        let old = self.records.get::<InvoiceRecord>(id)?.clone();
        let mut new = old.clone();
        change(&mut new);
        let before = render::invoice(self.records, &old);
        let after = render::invoice(self.records, &new);
        self.records.put(new);
        Some((before, after))
    }

    /// Changes a customer and emits `customer.updated` if the rendered object changed.
    pub(crate) fn change_customer(&mut self, new: CustomerRecord) {
        let after = render::customer(&new);
        let before = self.records.get::<CustomerRecord>(&new.id).map(render::customer);
        self.records.put(new);
        if let Some(previous) = before.and_then(|before| previous_attributes(&before, &after)) {
            self.emit("customer.updated", after, Some(previous));
        }
    }
}
