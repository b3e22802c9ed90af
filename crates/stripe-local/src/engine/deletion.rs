//! Deletions: test clocks, customers, and records whose retention time is over.

use super::Operation;
use crate::{
    billing::period::DAY_SECS,
    records::{
        CheckoutSessionRecord, CheckoutStatus, CustomerRecord, DeliveryRecord, EventRecord,
        IdempotentResponseRecord, SubscriptionRecord,
    },
    render,
};

/// Stripe's retention times for events and idempotency keys.
const EVENT_RETENTION_DAYS: i64 = 30;
const IDEMPOTENCY_KEY_RETENTION_DAYS: i64 = 1;

impl Operation<'_> {
    /// Deletes a test clock with its customers and their subscriptions.
    pub(crate) fn delete_test_clock(&mut self, id: &str) {
        let subscriptions: Vec<String> = self
            .records
            .all::<SubscriptionRecord>()
            .filter(|subscription| {
                subscription.test_clock.as_deref() == Some(id) && !subscription.has_ended()
            })
            .map(|subscription| subscription.id.clone())
            .collect();
        for subscription in subscriptions {
            self.end_subscription(&subscription, None);
        }
        let customers: Vec<CustomerRecord> = self
            .records
            .all::<CustomerRecord>()
            .filter(|customer| customer.test_clock.as_deref() == Some(id) && !customer.deleted)
            .cloned()
            .collect();
        for customer in customers {
            self.delete_customer(&customer);
        }
        self.emit_test_clock("test_helpers.test_clock.deleted", id);
        self.records.remove(id);
    }

    /// Deletes a customer and cancels the customer's subscriptions. A record that is marked as deleted remains.
    pub(crate) fn delete_customer(&mut self, customer: &CustomerRecord) {
        let subscriptions: Vec<String> = self
            .records
            .children::<SubscriptionRecord>(&customer.id)
            .filter(|subscription| !subscription.has_ended())
            .map(|subscription| subscription.id.clone())
            .collect();
        for subscription in subscriptions {
            self.end_subscription(&subscription, Some("cancellation_requested"));
        }
        let object = render::customer(customer);
        self.records.put(CustomerRecord {
            deleted: true,
            ..customer.clone()
        });
        self.emit("customer.deleted", object, None);
    }

    pub(super) fn expire_checkout_sessions(&mut self) {
        let wall = self.wall_secs();
        let late: Vec<CheckoutSessionRecord> = self
            .records
            .all::<CheckoutSessionRecord>()
            .filter(|session| session.status == CheckoutStatus::Open && session.expires_at <= wall)
            .cloned()
            .collect();
        for session in late {
            self.expire_checkout(&session);
        }
    }

    /// Deletes events, deliveries and stored idempotent responses whose retention time is over.
    pub(super) fn delete_expired_records(&mut self) {
        let wall = self.wall_secs();
        let is_expired = |event: &EventRecord| event.created < wall - EVENT_RETENTION_DAYS * DAY_SECS;
        let expired_events: Vec<String> = self
            .records
            .all::<EventRecord>()
            .take_while(|event| is_expired(event))
            .map(|event| event.id.clone())
            .collect();
        let expired_responses = self
            .records
            .all::<IdempotentResponseRecord>()
            .take_while(|response| response.stored_at < wall - IDEMPOTENCY_KEY_RETENTION_DAYS * DAY_SECS)
            .map(|response| response.id.clone());
        let mut ids: Vec<String> = expired_responses.collect();
        for event in &expired_events {
            let deliveries = self.records.children::<DeliveryRecord>(event);
            ids.extend(deliveries.map(|delivery| delivery.id.clone()));
        }
        ids.extend(expired_events);
        for id in ids {
            self.records.remove(&id);
        }
    }
}
