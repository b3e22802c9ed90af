//! `expand[]`: replaces IDs with objects, and adds parts that are shown only on request.

use serde_json::Value;

use super::{
    charge, checkout_line, checkout_session, customer, dispute, event, inner_list, invoice, invoice_payment,
    payment_intent, payment_method, portal_configuration, portal_session, price, product, refund,
    setup_intent, subscription, test_clock, webhook_endpoint,
};
use crate::{
    api_error::ApiError,
    records::{
        CheckoutSessionRecord, InvoicePaymentRecord, Record, Records, StripeRefundRecord, SubscriptionRecord,
    },
};

/// Stripe's limit of levels.
const MAX_DEPTH: usize = 4;

/// The rendered object with an ID.
fn by_id(records: &Records, id: &str) -> Option<Value> {
    Some(match records.record(id)? {
        Record::Product(record) => product(record),
        Record::Price(record) => price(record),
        Record::Customer(record) => customer(record),
        Record::PaymentMethod(record) => payment_method(record),
        Record::SetupIntent(record) => setup_intent(records, record),
        Record::CheckoutSession(record) => checkout_session(records, record),
        Record::Subscription(record) => subscription(records, record),
        Record::Invoice(record) => invoice(records, record),
        Record::InvoicePayment(record) => invoice_payment(record),
        Record::PaymentIntent(record) => payment_intent(records, record),
        Record::Charge(record) => charge(record),
        Record::Refund(record) => refund(record),
        Record::Dispute(record) => dispute(record),
        Record::PortalSession(record) => portal_session(record),
        Record::PortalConfiguration(record) => portal_configuration(record),
        Record::TestClock(record) => test_clock(record),
        Record::WebhookEndpoint(record) => webhook_endpoint(record, false),
        Record::Event(record) => event(records, record),
        Record::GlobalClock(_) | Record::Delivery(_) | Record::Switches(_) | Record::KeptAnswer(_) => {
            return None;
        }
    })
}

/// Expands every path, such as `latest_invoice.payments` or, in lists, `data.customer`.
///
/// Fails if a path is too deep or cannot be expanded.
pub(crate) fn expand(records: &Records, value: &mut Value, paths: &[String]) -> Result<(), ApiError> {
    for path in paths {
        let parts: Vec<&str> = path.split('.').collect();
        if parts.len() > MAX_DEPTH {
            return Err(ApiError::invalid_parameter(
                "expand",
                format!("You cannot expand more than {MAX_DEPTH} levels of a property: {path}"),
            ));
        }
        if !expand_path(records, value, &parts) {
            return Err(ApiError::invalid_parameter(
                "expand",
                format!("This property cannot be expanded ({path})."),
            ));
        }
    }
    Ok(())
}

/// Expands one path. Returns whether the path exists.
fn expand_path(records: &Records, value: &mut Value, parts: &[&str]) -> bool {
    let Some((key, rest)) = parts.split_first() else {
        return true;
    };
    if let Some(elements) = value.as_array_mut() {
        return elements
            .iter_mut()
            .all(|element| expand_path(records, element, parts));
    }
    if value.is_null() {
        return true;
    }
    if value.get(key).is_none() {
        match unexpanded_part(records, value, key) {
            Some(part) => value[*key] = part,
            None => return false,
        }
    }
    let Some(part) = value.get_mut(key) else {
        return false;
    };
    if let Some(object) = part.as_str().and_then(|id| by_id(records, id)) {
        *part = object;
    }
    match part {
        Value::Object(_) | Value::Array(_) | Value::Null => expand_path(records, part, rest),
        _ => false,
    }
}

/// A part that is rendered only on request.
fn unexpanded_part(records: &Records, value: &Value, key: &str) -> Option<Value> {
    let id = value["id"].as_str()?;
    let (url, data): (String, Vec<Value>) = match (value["object"].as_str()?, key) {
        ("checkout.session", "line_items") => {
            let session = records.get::<CheckoutSessionRecord>(id)?;
            let due = !session.has_trial();
            (
                format!("/v1/checkout/sessions/{id}/line_items"),
                session
                    .lines
                    .iter()
                    .map(|line| checkout_line(records, line, due))
                    .collect(),
            )
        }
        ("invoice", "payments") => (
            "/v1/invoice_payments".to_owned(),
            records
                .children::<InvoicePaymentRecord>(id)
                .map(invoice_payment)
                .collect(),
        ),
        ("charge", "refunds") => (
            format!("/v1/charges/{id}/refunds"),
            records
                .children::<StripeRefundRecord>(id)
                .rev()
                .map(refund)
                .collect(),
        ),
        ("customer", "subscriptions") => (
            format!("/v1/customers/{id}/subscriptions"),
            records
                .children::<SubscriptionRecord>(id)
                .rev()
                .filter(|one| !one.has_ended())
                .map(|one| subscription(records, one))
                .collect(),
        ),
        _ => return None,
    };
    Some(inner_list(&url, data))
}
