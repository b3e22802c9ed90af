//! Events, and the deliveries that they cause.

use serde_json::Value;

use super::Work;
use crate::{
    render,
    world::{Delivery, DeliveryState, Event, Invoice, Switches, WebhookEndpoint, World},
};

/// A delivery that waits for its neighbours, so that they can be put into another order.
pub(crate) const HELD: i64 = i64::MAX;

impl Work<'_> {
    /// Makes an event of an object as it is now, and a delivery for each endpoint that wants it.
    pub(crate) fn emit(&mut self, name: &str, object: Value, previous: Option<Value>) {
        let event = Event {
            id: self.world.mint("evt"),
            created: self.wall(),
            name: name.to_owned(),
            object,
            previous,
            request: self.cause.request.clone(),
            idempotency_key: self.cause.idempotency_key.clone(),
        };
        let endpoints: Vec<String> = self
            .world
            .all::<WebhookEndpoint>()
            .filter(|endpoint| endpoint.wants(name))
            .map(|endpoint| endpoint.id.clone())
            .collect();
        let id = event.id.clone();
        self.world.put(event);
        for endpoint in endpoints {
            deliver(self.world, &id, &endpoint, self.wall_ms, false);
        }
    }

    pub(crate) fn emit_invoice(&mut self, name: &str, id: &str) {
        if let Some(invoice) = self.world.get::<Invoice>(id) {
            let object = render::invoice(self.world, invoice);
            self.emit(name, object, None);
        }
    }
}

/// Puts an event on its way to an endpoint, as the switches say. `by_hand`: a copy, past the switches.
pub(crate) fn deliver(world: &mut World, event: &str, endpoint: &str, wall_ms: i64, by_hand: bool) {
    let mut switches = world.get::<Switches>(Switches::ID).cloned().unwrap_or_default();
    let mut delivery = Delivery {
        id: world.mint("whd"),
        event: event.to_owned(),
        endpoint: endpoint.to_owned(),
        due_ms: wall_ms,
        state: DeliveryState::Waiting,
        attempts: Vec::new(),
        copy: by_hand,
    };
    if by_hand {
        world.put(delivery);
        return;
    }
    delivery.due_ms = if switches.reorder > 0 {
        HELD
    } else {
        wall_ms + switches.delay_ms
    };
    if switches.duplicate > 0 {
        switches.duplicate -= 1;
        let copy = Delivery {
            id: world.mint("whd"),
            copy: true,
            ..delivery.clone()
        };
        world.put(switches.clone());
        world.put(copy);
    }
    world.put(delivery);
    let held = world
        .all::<Delivery>()
        .filter(|delivery| delivery.due_ms == HELD)
        .count();
    if switches.reorder > 0 && held >= switches.reorder as usize {
        switches.reorder = 0;
        let delay_ms = switches.delay_ms;
        world.put(switches);
        release(world, wall_ms + delay_ms);
    }
}

/// Sends what was held back, in an order drawn by chance.
pub(crate) fn release(world: &mut World, due_ms: i64) {
    let mut held: Vec<Delivery> = world
        .all::<Delivery>()
        .filter(|delivery| delivery.due_ms == HELD)
        .cloned()
        .collect();
    // Not after the moment: a clock that stands still would never reach it.
    let mut due_ms = due_ms - i64::try_from(held.len()).unwrap_or_default();
    while !held.is_empty() {
        let drawn = world.draw(held.len());
        let mut delivery = held.swap_remove(drawn);
        due_ms += 1;
        delivery.due_ms = due_ms;
        world.put(delivery);
    }
}
