//! Rendering of events, webhook endpoints and test clocks.

use serde_json::{Value, json};

use super::API_VERSION;
use crate::records::{
    DeliveryRecord, DeliveryState, EventRecord, Records, TestClockRecord, WebhookEndpointRecord,
};

pub(crate) fn event(records: &Records, event: &EventRecord) -> Value {
    let pending = records
        .children::<DeliveryRecord>(&event.id)
        .filter(|delivery| !delivery.is_copy && delivery.state == DeliveryState::Waiting)
        .count();
    let mut data = json!({"object": event.object});
    if let Some(previous) = &event.previous {
        data["previous_attributes"] = previous.clone();
    }
    json!({
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": data,
        "livemode": false,
        "pending_webhooks": pending,
        "request": {"id": event.request, "idempotency_key": event.idempotency_key},
        "type": event.name,
    })
}

/// Stripe shows the secret only in the response to the creation.
pub(crate) fn webhook_endpoint(endpoint: &WebhookEndpointRecord, with_secret: bool) -> Value {
    let mut value = json!({
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": null,
        "created": endpoint.created,
        "description": endpoint.description,
        "enabled_events": endpoint.enabled_events,
        "livemode": false,
        "metadata": endpoint.metadata,
        "status": if endpoint.disabled { "disabled" } else { "enabled" },
        "url": endpoint.url,
    });
    if with_secret {
        value["secret"] = json!(endpoint.secret);
    }
    value
}

pub(crate) fn test_clock(clock: &TestClockRecord) -> Value {
    let (status, details) = match clock.advancing_to {
        Some(target) => ("advancing", json!({"advancing": {"target_frozen_time": target}})),
        None => ("ready", json!({})),
    };
    json!({
        "id": clock.id,
        "object": "test_helpers.test_clock",
        "created": clock.created,
        "deletes_after": clock.deletes_after,
        "frozen_time": clock.frozen_time,
        "livemode": false,
        "name": clock.name,
        "status": status,
        "status_details": details,
    })
}
