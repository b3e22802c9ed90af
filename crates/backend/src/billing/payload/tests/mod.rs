//! The event envelope; errors name missing and mistyped values; reading never panics.

mod shapes;

use serde_json::json;

use super::*;

fn event(object: &Value, previous: &Value) -> Value {
    json!({
        "id": "evt_1",
        "type": "customer.subscription.updated",
        "created": 1_795_000_000,
        "data": {"object": object, "previous_attributes": previous},
    })
}

fn subscription() -> Value {
    json!({
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "metadata": {"seam_click": "click-0001"},
        "created": 10,
        "cancel_at": 90,
        "cancel_at_period_end": true,
        "canceled_at": 20,
        "ended_at": null,
        "trial_start": 10,
        "trial_end": 20,
        "latest_invoice": "in_1",
        "items": {"object": "list", "data": [{
            "id": "si_1",
            "current_period_start": 20,
            "current_period_end": 90,
            "price": {
                "id": "price_1",
                "lookup_key": "pro_month",
                "recurring": {"interval": "month", "interval_count": 1},
            },
        }]},
    })
}

fn invoice() -> Value {
    json!({
        "id": "in_1",
        "object": "invoice",
        "customer": "cus_1",
        "parent": {"type": "subscription_details", "subscription_details": {
            "subscription": "sub_1",
            "metadata": {"seam_click": "click-0001"},
        }},
        "billing_reason": "subscription_cycle",
        "amount_paid": 1200,
        "amount_due": 1200,
        "currency": "usd",
        "attempt_count": 1,
        "status": "paid",
        "created": 20,
        "status_transitions": {"paid_at": 30},
        "lines": {"object": "list", "data": [{
            "period": {"start": 0, "end": 30 * 86_400},
            "pricing": {"price_details": {"price": "price_1", "product": "prod_1"}},
            "parent": {"subscription_item_details": {"proration": false}},
        }]},
    })
}

fn refund() -> Value {
    json!({
        "id": "re_1",
        "object": "refund",
        "amount": 700,
        "currency": "usd",
        "status": "succeeded",
        "created": 40,
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "balance_transaction": "txn_1",
    })
}

fn with(mut object: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        match object.pointer_mut(pointer) {
            Some(place) => *place = value.clone(),
            None => object[&pointer[1..]] = value.clone(),
        }
    }
    object
}

fn without(mut object: Value, keys: &[&str]) -> Value {
    for key in keys {
        object.as_object_mut().unwrap().remove(*key);
    }
    object
}

#[test]
fn the_envelope() {
    let event = StripeEvent::read(&event(&subscription(), &json!({"status": "trialing"}))).unwrap();
    assert_eq!(
        (event.id.as_str(), event.kind.as_str(), event.created_ms()),
        ("evt_1", "customer.subscription.updated", 1_795_000_000_000)
    );
    assert_eq!(event.object, subscription());
    assert_eq!(event.before()["status"], "trialing");
    assert_eq!(event.before()["id"], "sub_1");
}

#[test]
fn previous_values() {
    let rows = [
        (json!({"a": 1, "b": 2}), json!({}), json!({"a": 1, "b": 2})),
        (
            json!({"a": 1, "b": 2}),
            json!({"a": null}),
            json!({"a": null, "b": 2}),
        ),
        (
            json!({"a": {"x": 1, "y": 2}}),
            json!({"a": {"y": 3}}),
            json!({"a": {"x": 1, "y": 3}}),
        ),
        (json!({"a": {"x": 1}}), json!({"a": null}), json!({"a": null})),
        (json!({"a": null}), json!({"a": {"x": 1}}), json!({"a": {"x": 1}})),
        (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
        (
            json!({"items": {"object": "list", "data": [{"id": 2}]}}),
            json!({"items": {"object": "list", "data": [{"id": 1}]}}),
            json!({"items": {"object": "list", "data": [{"id": 1}]}}),
        ),
        (json!({}), json!({"gone": 1}), json!({"gone": 1})),
    ];
    for (now, previous, expected) in rows {
        let read = StripeEvent::read(&event(&now, &previous)).unwrap();
        assert_eq!(read.before(), expected, "{now} {previous}");
    }
}

#[test]
fn the_customer_of_any_object() {
    let rows = [
        (json!({"object": "customer", "id": "cus_1"}), Some("cus_1")),
        (
            json!({"object": "invoice", "id": "in_1", "customer": "cus_1"}),
            Some("cus_1"),
        ),
        (
            json!({"object": "invoice", "customer": {"id": "cus_1", "object": "customer"}}),
            Some("cus_1"),
        ),
        (json!({"object": "refund", "customer": null}), None),
        (json!({"object": "charge", "customer": 7}), None),
        (json!({"object": "payout"}), None),
        (json!({}), None),
    ];
    for (object, customer) in rows {
        let read = StripeEvent::read(&event(&object, &json!({}))).unwrap();
        assert_eq!(read.customer(), customer, "{object}");
    }
}

#[test]
fn errors_name_the_unreadable_value() {
    type Read = fn(&Value) -> Result<(), PayloadError>;
    let of_event: Read = |value| StripeEvent::read(value).map(drop);
    let of_subscription: Read = |value| Subscription::read(value).map(drop);
    let of_invoice: Read = |value| Invoice::read(value).map(drop);
    let of_refund: Read = |value| Refund::read(value).map(drop);
    let envelope = event(&subscription(), &json!({}));
    let rows: [(&str, Read, Value, &str); 26] = [
        ("event", of_event, json!("not an object"), "object"),
        ("event", of_event, without(envelope.clone(), &["id"]), "id"),
        (
            "event",
            of_event,
            with(envelope.clone(), &[("/id", json!(7))]),
            "id",
        ),
        ("event", of_event, without(envelope.clone(), &["type"]), "type"),
        (
            "event",
            of_event,
            with(envelope.clone(), &[("/created", json!("now"))]),
            "created",
        ),
        (
            "event",
            of_event,
            without(envelope.clone(), &["data"]),
            "data.object",
        ),
        (
            "event",
            of_event,
            with(envelope, &[("/data", json!([]))]),
            "data.object",
        ),
        (
            "event",
            of_event,
            event(&json!(["sub_1"]), &json!({})),
            "data.object",
        ),
        (
            "event",
            of_event,
            event(&subscription(), &json!("old")),
            "data.previous_attributes",
        ),
        ("subscription", of_subscription, json!(null), "object"),
        (
            "subscription",
            of_subscription,
            without(subscription(), &["customer"]),
            "customer",
        ),
        (
            "subscription",
            of_subscription,
            with(subscription(), &[("/status", json!({}))]),
            "status",
        ),
        (
            "subscription",
            of_subscription,
            without(subscription(), &["cancel_at_period_end"]),
            "cancel_at_period_end",
        ),
        (
            "subscription",
            of_subscription,
            with(subscription(), &[("/cancel_at", json!("soon"))]),
            "cancel_at",
        ),
        (
            "subscription",
            of_subscription,
            with(subscription(), &[("/items", json!([]))]),
            "items",
        ),
        (
            "subscription",
            of_subscription,
            with(subscription(), &[("/metadata", json!(7))]),
            "metadata",
        ),
        ("invoice", of_invoice, without(invoice(), &["id"]), "id"),
        (
            "invoice",
            of_invoice,
            without(invoice(), &["amount_paid"]),
            "amount_paid",
        ),
        (
            "invoice",
            of_invoice,
            with(invoice(), &[("/amount_due", json!(12.5))]),
            "amount_due",
        ),
        (
            "invoice",
            of_invoice,
            with(invoice(), &[("/currency", json!("USD"))]),
            "currency",
        ),
        (
            "invoice",
            of_invoice,
            with(invoice(), &[("/attempt_count", json!(-1))]),
            "attempt_count",
        ),
        (
            "invoice",
            of_invoice,
            with(invoice(), &[("/parent", json!("sub_1"))]),
            "parent.subscription_details.subscription",
        ),
        ("refund", of_refund, without(refund(), &["amount"]), "amount"),
        ("refund", of_refund, without(refund(), &["currency"]), "currency"),
        (
            "refund",
            of_refund,
            with(refund(), &[("/amount", json!(-700))]),
            "amount",
        ),
        (
            "refund",
            of_refund,
            with(refund(), &[("/charge", json!(["ch_1"]))]),
            "charge",
        ),
    ];
    for (object, read, value, field) in rows {
        assert_eq!(read(&value), Err(PayloadError { object, field }), "{value}");
    }
    assert_eq!(
        of_invoice(&without(invoice(), &["id"])).unwrap_err().to_string(),
        "no readable `id` in Stripe's invoice"
    );
}

/// Replaces every value of every object by every JSON type.
#[test]
fn reading_never_panics() {
    let junk = [
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(1.5),
        json!(""),
        json!("\u{0}"),
        json!([]),
        json!([null]),
        json!({}),
        json!({"id": 1, "data": [[]]}),
    ];
    let mut read_well = 0;
    for object in [
        subscription(),
        invoice(),
        refund(),
        event(&subscription(), &json!({"status": "trialing"})),
    ] {
        for pointer in pointers(&object, String::new()) {
            for value in &junk {
                let mut broken = object.clone();
                *broken.pointer_mut(&pointer).unwrap() = value.clone();
                read_well += usize::from(Subscription::read(&broken).is_ok());
                read_well += usize::from(Invoice::read(&broken).is_ok());
                read_well += usize::from(Refund::read(&broken).is_ok());
                read_well += usize::from(Dispute::read(&broken).is_ok());
                if let Ok(subscription) = Subscription::read(&broken) {
                    subscription.terms.next_payment(0);
                    subscription.terms.recurring_prices();
                }
                if let Ok(invoice) = Invoice::read(&broken) {
                    invoice.payment();
                    invoice.interval(|_| None);
                }
                if let Ok(event) = StripeEvent::read(&broken) {
                    read_well += usize::from(Subscription::read(&event.before()).is_ok());
                }
            }
        }
    }
    assert!(read_well > 0, "most values are not read");
}

fn pointers(value: &Value, at: String) -> Vec<String> {
    let mut inside: Vec<_> = match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| pointers(value, format!("{at}/{key}")))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, value)| pointers(value, format!("{at}/{index}")))
            .collect(),
        _ => Vec::new(),
    };
    inside.push(at);
    inside
}
