//! `expand[]`: IDs replaced by the objects they name, and parts that are only shown on request.

use serde_json::Value;

use super::{
    charge, checkout_line, checkout_session, customer, event, inner_list, invoice, invoice_payment,
    payment_intent, payment_method, portal_configuration, portal_session, price, product, refund,
    setup_intent, subscription, test_clock, webhook_endpoint,
};
use crate::{
    failure::Failure,
    world::{CheckoutSession, InvoicePayment, Record, Refund, Subscription, World},
};

/// How deep Stripe expands.
const DEEPEST: usize = 4;

/// Any object that has an ID of its own.
fn by_id(world: &World, id: &str) -> Option<Value> {
    Some(match world.record(id)? {
        Record::Product(record) => product(record),
        Record::Price(record) => price(record),
        Record::Customer(record) => customer(record),
        Record::PaymentMethod(record) => payment_method(record),
        Record::SetupIntent(record) => setup_intent(world, record),
        Record::CheckoutSession(record) => checkout_session(world, record),
        Record::Subscription(record) => subscription(world, record),
        Record::Invoice(record) => invoice(world, record),
        Record::InvoicePayment(record) => invoice_payment(record),
        Record::PaymentIntent(record) => payment_intent(world, record),
        Record::Charge(record) => charge(record),
        Record::Refund(record) => refund(record),
        Record::PortalSession(record) => portal_session(record),
        Record::PortalConfiguration(record) => portal_configuration(record),
        Record::TestClock(record) => test_clock(record),
        Record::WebhookEndpoint(record) => webhook_endpoint(record, false),
        Record::Event(record) => event(world, record),
        Record::GlobalClock(_) | Record::Delivery(_) | Record::Switches(_) | Record::KeptAnswer(_) => {
            return None;
        }
    })
}

/// Expands every path, such as `latest_invoice.payments` or (in lists) `data.customer`.
pub(crate) fn expand(world: &World, value: &mut Value, paths: &[String]) -> Result<(), Failure> {
    for path in paths {
        let parts: Vec<&str> = path.split('.').collect();
        if parts.len() > DEEPEST {
            return Err(Failure::parameter(
                "expand",
                format!("You cannot expand more than {DEEPEST} levels of a property: {path}"),
            ));
        }
        if !along(world, value, &parts) {
            return Err(Failure::parameter(
                "expand",
                format!("This property cannot be expanded ({path})."),
            ));
        }
    }
    Ok(())
}

/// Answers whether the path leads somewhere.
fn along(world: &World, value: &mut Value, parts: &[&str]) -> bool {
    let Some((key, rest)) = parts.split_first() else {
        return true;
    };
    if let Some(elements) = value.as_array_mut() {
        return elements.iter_mut().all(|element| along(world, element, parts));
    }
    if value.is_null() {
        return true;
    }
    if value.get(key).is_none() {
        match hidden(world, value, key) {
            Some(part) => value[*key] = part,
            None => return false,
        }
    }
    let Some(part) = value.get_mut(key) else {
        return false;
    };
    if let Some(object) = part.as_str().and_then(|id| by_id(world, id)) {
        *part = object;
    }
    match part {
        Value::Object(_) | Value::Array(_) | Value::Null => along(world, part, rest),
        _ => false,
    }
}

/// Parts that are left out unless asked for.
fn hidden(world: &World, value: &Value, key: &str) -> Option<Value> {
    let id = value["id"].as_str()?;
    let (url, data): (String, Vec<Value>) = match (value["object"].as_str()?, key) {
        ("checkout.session", "line_items") => {
            let session = world.get::<CheckoutSession>(id)?;
            let due = !session.has_trial();
            (
                format!("/v1/checkout/sessions/{id}/line_items"),
                session
                    .lines
                    .iter()
                    .map(|line| checkout_line(world, line, due))
                    .collect(),
            )
        }
        ("invoice", "payments") => (
            "/v1/invoice_payments".to_owned(),
            world
                .all::<InvoicePayment>()
                .filter(|payment| payment.invoice == id)
                .map(invoice_payment)
                .collect(),
        ),
        ("charge", "refunds") => (
            format!("/v1/charges/{id}/refunds"),
            world
                .all::<Refund>()
                .rev()
                .filter(|refund| refund.charge == id)
                .map(refund)
                .collect(),
        ),
        ("customer", "subscriptions") => (
            format!("/v1/customers/{id}/subscriptions"),
            world
                .all::<Subscription>()
                .rev()
                .filter(|one| one.customer == id && !one.is_over())
                .map(|one| subscription(world, one))
                .collect(),
        ),
        _ => return None,
    };
    Some(inner_list(&url, data))
}
