//! Tests of each row of the mapping's table, and of whole scenarios. This file has the shared objects.

mod cases;
mod facts;
mod fuzz;
mod orders;
mod payment;
mod refund;
mod revenue;
mod scenarios;
mod schedule;
mod simulation;
mod trial;

use serde_json::{Value, json};
use tracking::{DeviceId, IdSource, InsertId, PresentIds, ServerEvent, SessionId, UserId};
use uuid::Uuid;

use super::*;
use crate::billing::handoff;

const DAY: i64 = 86_400;
/// When the subscription started, in seconds.
const START: i64 = 1_795_000_000;
const TRIAL_END: i64 = START + 3 * DAY;
/// When the webhook's change happened, in seconds.
const CREATED: i64 = START + 600;

fn account() -> UserId {
    UserId::parse("019aa5c4-0000-7000-8000-000000000001").unwrap()
}

/// A click of the account, `seconds` before [`CREATED`].
fn click(seconds: i64) -> handoff::StripeHandoff {
    click_at(CREATED - seconds)
}

fn click_at(second: i64) -> handoff::StripeHandoff {
    let ids = PresentIds::Live {
        device: DeviceId::parse("device-0001").unwrap(),
        session: SessionId::from_ms(START * 1000).unwrap(),
        source: IdSource::SdkCookie,
        context: Box::default(),
    };
    let click = InsertId::existing(format!("click-{second}"));
    handoff::StripeHandoff::new(account(), &ids, second * 1000, Some(click))
}

fn visit_at(second: i64) -> PortalVisit {
    PortalVisit {
        id: Uuid::from_u128(9),
        account: account(),
        device: DeviceId::parse("device-0002"),
        session: SessionId::from_ms(second * 1000 - 5_000),
        at_ms: second * 1000,
        context: None,
    }
}

/// `base` with some values replaced, one level deep.
fn with(mut base: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    base.as_object_mut().unwrap().extend(changes);
    base
}

/// A price of our product.
fn price(interval: &str) -> Value {
    json!({
        "id": format!("price_{interval}"),
        "product": "prod_1",
        "currency": "usd",
        "unit_amount": if interval == "year" { 12_000 } else { 1_200 },
        "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed"},
    })
}

/// The product of the tests' prices.
fn product() -> PlanProduct {
    PlanProduct {
        id: Some("prod_1".to_owned()),
        lookup_keys: Vec::new(),
    }
}

/// Items of a monthly or yearly price, as in a subscription.
fn items(interval: &str) -> Value {
    json!({"object": "list", "data": [{
        "id": "si_1",
        "object": "subscription_item",
        "current_period_start": START,
        "current_period_end": TRIAL_END,
        "quantity": 1,
        "price": price(interval),
    }]})
}

/// A paid subscription without a trial.
fn subscription() -> Value {
    json!({
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "metadata": click(10).metadata(),
        "created": START,
        "cancel_at": null,
        "cancel_at_period_end": false,
        "canceled_at": null,
        "ended_at": null,
        "trial_start": null,
        "trial_end": null,
        "latest_invoice": "in_1",
        "default_payment_method": null,
        "items": items("month"),
    })
}

fn trial() -> Value {
    with(
        subscription(),
        json!({"status": "trialing", "trial_start": START, "trial_end": TRIAL_END}),
    )
}

/// A subscription after its trial.
fn after_trial() -> Value {
    with(trial(), json!({"status": "active"}))
}

/// An invoice of the subscription, paid at `paid_at` (seconds), with an amount in cents.
fn invoice(id: &str, reason: &str, amount: i64, paid_at: i64) -> Value {
    invoice_for(id, reason, amount, paid_at, 30)
}

fn invoice_for(id: &str, reason: &str, amount: i64, paid_at: i64, days: i64) -> Value {
    json!({
        "id": id,
        "object": "invoice",
        "customer": "cus_1",
        "parent": {"type": "subscription_details", "subscription_details": {
            "subscription": "sub_1",
            "metadata": click(10).metadata(),
        }},
        "billing_reason": reason,
        "amount_paid": amount,
        "amount_due": amount,
        "currency": "usd",
        "attempt_count": 1,
        "status": "paid",
        "created": paid_at - 3600,
        "status_transitions": {"paid_at": paid_at},
        "lines": {"object": "list", "data": [{
            "object": "line_item",
            "period": {"start": paid_at, "end": paid_at + days * DAY},
            "pricing": {"price_details": {
                "price": if days > 300 { "price_year" } else { "price_month" },
                "product": "prod_1",
            }},
            "parent": {"subscription_item_details": {"proration": false, "subscription_item": "si_1"}},
        }]},
    })
}

/// The first payment of a subscription without a trial.
fn started() -> Value {
    invoice("in_1", "subscription_create", 1200, START)
}

/// The zero invoice at the start of a trial.
fn trial_invoice() -> Value {
    invoice_for("in_0", "subscription_create", 0, START, 3)
}

fn refund(id: &str, amount: i64, status: &str) -> Value {
    json!({
        "id": id,
        "object": "refund",
        "amount": amount,
        "currency": "usd",
        "status": status,
        "created": START + 500,
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "balance_transaction": "txn_1",
    })
}

fn webhook(kind: &str, object: Value) -> Value {
    json!({"id": "evt_1", "object": "event", "type": kind, "created": CREATED, "data": {"object": object}})
}

/// A webhook of an update with the current object and its previous values.
fn update(kind: &str, object: Value, previous: Value) -> Value {
    let mut webhook = webhook(kind, object);
    webhook["data"]["previous_attributes"] = previous;
    webhook
}

/// The webhook of a click that changes the subscription `before` by `changes` and writes the metadata.
fn change(before: &Value, changes: Value) -> Value {
    let mut webhook = change_at_stripe(before, changes);
    let metadata = before["metadata"].as_object().into_iter().flatten();
    let absent: serde_json::Map<String, Value> =
        metadata.map(|(key, _)| (key.clone(), Value::Null)).collect();
    if !absent.is_empty() {
        webhook["data"]["previous_attributes"]["metadata"] = Value::Object(absent);
    }
    webhook
}

/// The webhook that changes the subscription `before` by `changes` and leaves the metadata of an earlier click.
fn change_at_stripe(before: &Value, changes: Value) -> Value {
    let previous: serde_json::Map<String, Value> = changes
        .as_object()
        .unwrap()
        .keys()
        .map(|key| (key.clone(), before[key].clone()))
        .collect();
    update(
        "customer.subscription.updated",
        with(before.clone(), changes),
        Value::Object(previous),
    )
}

/// The input of the mapping as JSON.
#[derive(Clone, Debug)]
struct InputJson {
    fetched: Value,
    paid: Vec<Value>,
    /// The invoice of a refund or a dispute.
    refunded: Option<String>,
    /// All webhooks that were received.
    received: Vec<Value>,
    visits: Vec<PortalVisit>,
}

impl InputJson {
    fn of(fetched: Value, paid: &[Value]) -> Self {
        Self {
            fetched,
            paid: paid.to_vec(),
            refunded: None,
            received: Vec::new(),
            visits: Vec::new(),
        }
    }

    fn after(self, received: &[&Value]) -> Self {
        Self {
            received: received.iter().map(|webhook| (*webhook).clone()).collect(),
            ..self
        }
    }

    fn map(&self, webhook: &Value) -> Result<Vec<ServerEvent>, MappingError> {
        let fetched = Subscription::read(&self.fetched)?;
        let paid_invoices = self
            .paid
            .iter()
            .map(Invoice::read)
            .collect::<Result<Vec<_>, _>>()?;
        let event = StripeEvent::read(webhook)?;
        let received = self.received.iter().map(StripeEvent::read);
        let mut related = received.collect::<Result<Vec<_>, _>>()?;
        related.retain(|other| invoice_of(&event).is_some() && invoice_of(other) == invoice_of(&event));
        map_webhook(
            &event,
            &MappingInput {
                account: account(),
                fetched: &fetched,
                others: &[],
                paid_invoices: &paid_invoices,
                reversed_invoice: self.refunded.as_deref(),
                related: &related,
                product: &product(),
                visits: &self.visits,
                clicks: &[],
            },
        )
    }

    /// Maps the webhook and the input in the shapes before API version 2025-03-31.basil.
    fn map_older_shape(&self, webhook: &Value) -> Result<Vec<ServerEvent>, MappingError> {
        let older_webhook = |webhook: &Value| {
            let mut webhook = webhook.clone();
            let object = webhook["data"]["object"].take();
            webhook["data"]["object"] = older_shape(object);
            webhook
        };
        let input = Self {
            fetched: older_shape(self.fetched.clone()),
            paid: self.paid.iter().cloned().map(older_shape).collect(),
            received: self.received.iter().map(older_webhook).collect(),
            ..self.clone()
        };
        input.map(&older_webhook(webhook))
    }

    /// The events' wire form, which must be the same in both shapes.
    fn events(&self, webhook: &Value) -> Vec<Value> {
        let wire = |events: Vec<ServerEvent>| events.iter().map(ServerEvent::to_wire).collect::<Vec<_>>();
        let events = wire(self.map(webhook).unwrap());
        assert_eq!(
            events,
            wire(self.map_older_shape(webhook).unwrap()),
            "in older shapes: {webhook}"
        );
        events
    }

    /// The only event.
    fn event(&self, webhook: &Value) -> Value {
        let mut events = self.events(webhook);
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }
}

/// The object in the shape before API version 2025-03-31.basil.
fn older_shape(mut object: Value) -> Value {
    match object["object"].as_str() {
        Some("subscription") => {
            let item = object["items"]["data"][0].as_object_mut().unwrap();
            let start = item.remove("current_period_start").unwrap();
            let end = item.remove("current_period_end").unwrap();
            let plan = item["price"]["recurring"].clone();
            with(
                object,
                json!({"current_period_start": start, "current_period_end": end, "plan": plan}),
            )
        }
        Some("invoice") => {
            let parent = object.as_object_mut().unwrap().remove("parent").unwrap();
            let details = &parent["subscription_details"];
            for line in object["lines"]["data"].as_array_mut().unwrap() {
                let line = line.as_object_mut().unwrap();
                let pricing = line.remove("pricing").unwrap();
                let parent = line.remove("parent").unwrap();
                let details = &parent["subscription_item_details"];
                let id = pricing["price_details"]["price"].as_str().unwrap();
                line.insert("price".to_owned(), price(id.trim_start_matches("price_")));
                line.insert("proration".to_owned(), json!(details["proration"] == true));
                let kind = if details.is_null() {
                    "invoiceitem"
                } else {
                    "subscription"
                };
                line.insert("type".to_owned(), json!(kind));
            }
            with(
                object,
                json!({
                    "subscription": details["subscription"],
                    "subscription_details": {"metadata": details["metadata"]},
                    "payment_intent": "pi_1",
                }),
            )
        }
        _ => object,
    }
}

/// The properties that every row asserts: name, insert ID, event property `subscription_status`, revenue, and
/// `stitched_by`.
fn summary(event: &Value) -> (&str, &str, &str, Option<f64>, &str) {
    (
        event["event_type"].as_str().unwrap(),
        event["insert_id"].as_str().unwrap(),
        event["event_properties"]["subscription_status"].as_str().unwrap(),
        event.get("revenue").map(|revenue| revenue.as_f64().unwrap()),
        event["event_properties"]["stitched_by"].as_str().unwrap(),
    )
}
