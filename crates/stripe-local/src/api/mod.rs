//! The API under `/v1/`: all endpoints, on one screen.
//!
//! Endpoints are synchronous. `http::api` has the headers, keys and idempotency.

mod cards;
mod catalog;
mod checkout;
mod clocks;
mod customers;
mod invoices;
mod list;
mod portal;
mod refunds;
mod subscription_change;
mod subscription_params;
mod subscriptions;
mod webhooks;

use crate::{
    api_error::{ApiError, ApiResult},
    engine::Operation,
    form::Params,
    render,
};

/// Handles a request. `path` is the part after `/v1/`.
pub(crate) fn handle(
    operation: &mut Operation<'_>,
    method: &str,
    path: &str,
    mut params: Params,
) -> ApiResult {
    let expand = params.texts("expand")?;
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut value = dispatch(operation, method, &segments, params)?;
    render::expand(operation.records, &mut value, &expand)?;
    Ok(value)
}

fn dispatch(operation: &mut Operation<'_>, method: &str, segments: &[&str], params: Params) -> ApiResult {
    match (method, segments) {
        ("GET", ["account"]) => webhooks::retrieve_account(params),

        ("POST", ["products"]) => catalog::create_product(operation, params),
        ("GET", ["products"]) => catalog::list_products(operation, params),
        ("GET", ["products", id]) => catalog::retrieve_product(operation, id, params),
        ("POST", ["products", id]) => catalog::update_product(operation, id, params),

        ("POST", ["prices"]) => catalog::create_price(operation, params),
        ("GET", ["prices"]) => catalog::list_prices(operation, params),
        ("GET", ["prices", id]) => catalog::retrieve_price(operation, id, params),
        ("POST", ["prices", id]) => catalog::update_price(operation, id, params),

        ("POST", ["customers"]) => customers::create(operation, params),
        ("GET", ["customers"]) => customers::list(operation, params),
        ("GET", ["customers", "search"]) => customers::search(operation, params),
        ("GET", ["customers", id]) => customers::retrieve(operation, id, params),
        ("POST", ["customers", id]) => customers::update(operation, id, params),
        ("DELETE", ["customers", id]) => customers::delete(operation, id, params),
        ("GET", ["customers", id, "payment_methods"]) => cards::list_for_customer(operation, id, params),

        ("POST", ["payment_methods"]) => cards::create(operation, params),
        ("GET", ["payment_methods"]) => cards::list(operation, params),
        ("GET", ["payment_methods", id]) => cards::retrieve(operation, id, params),
        ("POST", ["payment_methods", id, "attach"]) => cards::attach(operation, id, params),
        ("POST", ["payment_methods", id, "detach"]) => cards::detach(operation, id, params),
        ("POST", ["setup_intents"]) => cards::create_setup_intent(operation, params),
        ("GET", ["setup_intents", id]) => cards::retrieve_setup_intent(operation, id, params),

        ("POST", ["checkout", "sessions"]) => checkout::create(operation, params),
        ("GET", ["checkout", "sessions"]) => checkout::list(operation, params),
        ("GET", ["checkout", "sessions", id]) => checkout::retrieve(operation, id, params),
        ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(operation, id, params),
        ("GET", ["checkout", "sessions", id, "line_items"]) => {
            checkout::list_line_items(operation, id, params)
        }

        ("POST", ["subscriptions"]) => subscriptions::create(operation, params),
        ("GET", ["subscriptions"]) => subscriptions::list(operation, params),
        ("GET", ["subscriptions", id]) => subscriptions::retrieve(operation, id, params),
        ("POST", ["subscriptions", id]) => subscription_change::update(operation, id, params),
        ("DELETE", ["subscriptions", id]) => subscription_change::cancel(operation, id, params),
        ("POST", ["subscriptions", id, "pause"]) => subscription_change::pause(operation, id, params),
        ("POST", ["subscriptions", id, "resume"]) => subscription_change::resume(operation, id, params),

        ("GET", ["subscription_items"]) => subscriptions::list_items(operation, params),

        ("GET", ["invoices"]) => invoices::list(operation, params),
        ("POST", ["invoices", "create_preview"]) => invoices::create_preview(operation, params),
        ("GET", ["invoices", id]) => invoices::retrieve(operation, id, params),
        ("GET", ["invoices", id, "lines"]) => invoices::list_lines(operation, id, params),
        ("POST", ["invoices", id, "finalize"]) => invoices::finalize(operation, id, params),
        ("POST", ["invoices", id, "pay"]) => invoices::pay(operation, id, params),
        ("POST", ["invoices", id, "void"]) => invoices::void(operation, id, params),
        ("GET", ["invoice_payments"]) => invoices::list_payments(operation, params),
        ("GET", ["invoice_payments", id]) => invoices::retrieve_payment(operation, id, params),

        ("GET", ["payment_intents"]) => refunds::list_payment_intents(operation, params),
        ("GET", ["payment_intents", id]) => refunds::retrieve_payment_intent(operation, id, params),
        ("GET", ["charges"]) => refunds::list_charges(operation, params),
        ("GET", ["charges", id]) => refunds::retrieve_charge(operation, id, params),
        ("POST", ["refunds"]) => refunds::create(operation, params),
        ("GET", ["refunds"]) => refunds::list(operation, params),
        ("GET", ["refunds", id]) => refunds::retrieve(operation, id, params),
        ("GET", ["disputes"]) => refunds::list_disputes(operation, params),
        ("GET", ["disputes", id]) => refunds::retrieve_dispute(operation, id, params),

        ("POST", ["billing_portal", "sessions"]) => portal::create_session(operation, params),
        ("POST", ["billing_portal", "configurations"]) => portal::create(operation, params),
        ("GET", ["billing_portal", "configurations"]) => portal::list(operation, params),
        ("GET", ["billing_portal", "configurations", id]) => portal::retrieve(operation, id, params),
        ("POST", ["billing_portal", "configurations", id]) => portal::update(operation, id, params),

        ("POST", ["test_helpers", "test_clocks"]) => clocks::create(operation, params),
        ("GET", ["test_helpers", "test_clocks"]) => clocks::list(operation, params),
        ("GET", ["test_helpers", "test_clocks", id]) => clocks::retrieve(operation, id, params),
        ("DELETE", ["test_helpers", "test_clocks", id]) => clocks::delete(operation, id, params),
        ("POST", ["test_helpers", "test_clocks", id, "advance"]) => clocks::advance(operation, id, params),

        ("GET", ["events"]) => webhooks::list_events(operation, params),
        ("GET", ["events", id]) => webhooks::retrieve_event(operation, id, params),
        ("POST", ["webhook_endpoints"]) => webhooks::create(operation, params),
        ("GET", ["webhook_endpoints"]) => webhooks::list(operation, params),
        ("GET", ["webhook_endpoints", id]) => webhooks::retrieve(operation, id, params),
        ("POST", ["webhook_endpoints", id]) => webhooks::update(operation, id, params),
        ("DELETE", ["webhook_endpoints", id]) => webhooks::delete(operation, id, params),

        _ => Err(ApiError::unknown_route(
            method,
            &format!("/v1/{}", segments.join("/")),
        )),
    }
}
