//! Events and their webhook deliveries. `webhooks` sends the deliveries.

use serde_json::Value;

use super::Operation;
use crate::{
    records::{
        DeliveryRecord, DeliveryState, EventRecord, InvoiceRecord, Records, WebhookEndpointRecord,
        WebhookSwitchesRecord,
    },
    render,
};

/// The due time of a delivery that the `reorder` switch holds back.
pub(crate) const HELD_BACK_MS: i64 = i64::MAX;

impl Operation<'_> {
    /// Creates an event with the current state of an object, and a delivery for each endpoint that accepts the event.
    pub(crate) fn emit(&mut self, name: &str, object: Value, previous: Option<Value>) {
        let event = EventRecord {
            id: self.records.new_id("evt"),
            created: self.wall_secs(),
            name: name.to_owned(),
            object,
            previous,
            request: self.cause.request.clone(),
            idempotency_key: self.cause.idempotency_key.clone(),
        };
        let endpoints: Vec<String> = self
            .records
            .all::<WebhookEndpointRecord>()
            .filter(|endpoint| endpoint.accepts(name))
            .map(|endpoint| endpoint.id.clone())
            .collect();
        let id = event.id.clone();
        self.records.put(event);
        for endpoint in endpoints {
            queue_delivery(self.records, &id, &endpoint, self.wall_ms, false);
        }
    }

    pub(crate) fn emit_invoice(&mut self, name: &str, id: &str) {
        if let Some(invoice) = self.records.get::<InvoiceRecord>(id) {
            let object = render::invoice(self.records, invoice);
            self.emit(name, object, None);
        }
    }
}

/// Queues a delivery of an event to an endpoint, with the effect of the switches. A resent event (`is_resend`) is a copy
/// and ignores the switches.
pub(crate) fn queue_delivery(
    records: &mut Records,
    event: &str,
    endpoint: &str,
    wall_ms: i64,
    is_resend: bool,
) {
    let mut switches = records
        .get::<WebhookSwitchesRecord>(WebhookSwitchesRecord::ID)
        .cloned()
        .unwrap_or_default();
    let mut delivery = DeliveryRecord {
        id: records.new_id("whd"),
        event: event.to_owned(),
        endpoint: endpoint.to_owned(),
        due_ms: wall_ms,
        state: DeliveryState::Waiting,
        attempts: Vec::new(),
        is_copy: is_resend,
    };
    if is_resend {
        records.put(delivery);
        return;
    }
    delivery.due_ms = if switches.reorder > 0 {
        HELD_BACK_MS
    } else {
        wall_ms + switches.delay_ms
    };
    if switches.duplicate > 0 {
        switches.duplicate -= 1;
        let copy = DeliveryRecord {
            id: records.new_id("whd"),
            is_copy: true,
            ..delivery.clone()
        };
        records.put(switches.clone());
        records.put(copy);
    }
    records.put(delivery);
    let held = records
        .all::<DeliveryRecord>()
        .filter(|delivery| delivery.due_ms == HELD_BACK_MS)
        .count();
    if switches.reorder > 0 && held >= switches.reorder as usize {
        switches.reorder = 0;
        let delay_ms = switches.delay_ms;
        records.put(switches);
        release_held_deliveries(records, wall_ms + delay_ms);
    }
}

/// Schedules the held deliveries in random order, at `due_ms` at the latest.
pub(crate) fn release_held_deliveries(records: &mut Records, due_ms: i64) {
    let mut held: Vec<DeliveryRecord> = records
        .all::<DeliveryRecord>()
        .filter(|delivery| delivery.due_ms == HELD_BACK_MS)
        .cloned()
        .collect();
    // The last one is due at `due_ms`. If it were later, a test that stops the wall clock would never see it.
    let mut due_ms = due_ms - i64::try_from(held.len()).unwrap_or_default();
    while !held.is_empty() {
        let index = records.random_below(held.len());
        let mut delivery = held.swap_remove(index);
        due_ms += 1;
        delivery.due_ms = due_ms;
        records.put(delivery);
    }
}
