//! The API below `/v1/`: every endpoint, in one screen. Synchronous: an endpoint reads parameters and does its work.

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
mod subscriptions;
mod webhooks;

use crate::{
    engine::Work,
    failure::{Answer, Failure},
    form::Params,
    render,
};

/// Answers a request for `path`, which stands below `/v1/`.
pub(crate) fn answer(work: &mut Work<'_>, method: &str, path: &str, mut params: Params) -> Answer {
    let expand = params.texts("expand")?;
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut value = route(work, method, &segments, params)?;
    render::expand(work.world, &mut value, &expand)?;
    Ok(value)
}

fn route(work: &mut Work<'_>, method: &str, segments: &[&str], params: Params) -> Answer {
    match (method, segments) {
        ("GET", ["account"]) => webhooks::account(params),

        ("POST", ["products"]) => catalog::create_product(work, params),
        ("GET", ["products"]) => catalog::list_products(work, params),
        ("GET", ["products", id]) => catalog::product(work, id, params),
        ("POST", ["products", id]) => catalog::update_product(work, id, params),

        ("POST", ["prices"]) => catalog::create_price(work, params),
        ("GET", ["prices"]) => catalog::list_prices(work, params),
        ("GET", ["prices", id]) => catalog::price(work, id, params),
        ("POST", ["prices", id]) => catalog::update_price(work, id, params),

        ("POST", ["customers"]) => customers::create(work, params),
        ("GET", ["customers"]) => customers::list(work, params),
        ("GET", ["customers", id]) => customers::retrieve(work, id, params),
        ("POST", ["customers", id]) => customers::update(work, id, params),
        ("DELETE", ["customers", id]) => customers::delete(work, id, params),
        ("GET", ["customers", id, "payment_methods"]) => cards::list_of(work, id, params),

        ("POST", ["payment_methods"]) => cards::create(work, params),
        ("GET", ["payment_methods"]) => cards::list(work, params),
        ("GET", ["payment_methods", id]) => cards::retrieve(work, id, params),
        ("POST", ["payment_methods", id, "attach"]) => cards::attach(work, id, params),
        ("POST", ["payment_methods", id, "detach"]) => cards::detach(work, id, params),
        ("POST", ["setup_intents"]) => cards::create_setup(work, params),
        ("GET", ["setup_intents", id]) => cards::setup(work, id, params),

        ("POST", ["checkout", "sessions"]) => checkout::create(work, params),
        ("GET", ["checkout", "sessions"]) => checkout::list(work, params),
        ("GET", ["checkout", "sessions", id]) => checkout::retrieve(work, id, params),
        ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(work, id, params),
        ("GET", ["checkout", "sessions", id, "line_items"]) => checkout::line_items(work, id, params),

        ("POST", ["subscriptions"]) => subscriptions::create(work, params),
        ("GET", ["subscriptions"]) => subscriptions::list(work, params),
        ("GET", ["subscriptions", id]) => subscriptions::retrieve(work, id, params),
        ("POST", ["subscriptions", id]) => subscription_change::update(work, id, params),
        ("DELETE", ["subscriptions", id]) => subscription_change::cancel(work, id, params),
        ("POST", ["subscriptions", id, "pause"]) => subscription_change::pause(work, id, params),
        ("POST", ["subscriptions", id, "resume"]) => subscription_change::resume(work, id, params),

        ("GET", ["subscription_items"]) => subscriptions::items(work, params),

        ("GET", ["invoices"]) => invoices::list(work, params),
        ("POST", ["invoices", "create_preview"]) => invoices::preview(work, params),
        ("GET", ["invoices", id]) => invoices::retrieve(work, id, params),
        ("GET", ["invoices", id, "lines"]) => invoices::lines(work, id, params),
        ("POST", ["invoices", id, "finalize"]) => invoices::finalize(work, id, params),
        ("POST", ["invoices", id, "pay"]) => invoices::pay(work, id, params),
        ("POST", ["invoices", id, "void"]) => invoices::void(work, id, params),
        ("GET", ["invoice_payments"]) => invoices::list_payments(work, params),
        ("GET", ["invoice_payments", id]) => invoices::payment(work, id, params),

        ("GET", ["payment_intents"]) => refunds::list_intents(work, params),
        ("GET", ["payment_intents", id]) => refunds::intent(work, id, params),
        ("GET", ["charges"]) => refunds::list_charges(work, params),
        ("GET", ["charges", id]) => refunds::charge(work, id, params),
        ("POST", ["refunds"]) => refunds::create(work, params),
        ("GET", ["refunds"]) => refunds::list(work, params),
        ("GET", ["refunds", id]) => refunds::retrieve(work, id, params),

        ("POST", ["billing_portal", "sessions"]) => portal::create_session(work, params),
        ("POST", ["billing_portal", "configurations"]) => portal::create(work, params),
        ("GET", ["billing_portal", "configurations"]) => portal::list(work, params),
        ("GET", ["billing_portal", "configurations", id]) => portal::retrieve(work, id, params),
        ("POST", ["billing_portal", "configurations", id]) => portal::update(work, id, params),

        ("POST", ["test_helpers", "test_clocks"]) => clocks::create(work, params),
        ("GET", ["test_helpers", "test_clocks"]) => clocks::list(work, params),
        ("GET", ["test_helpers", "test_clocks", id]) => clocks::retrieve(work, id, params),
        ("DELETE", ["test_helpers", "test_clocks", id]) => clocks::delete(work, id, params),
        ("POST", ["test_helpers", "test_clocks", id, "advance"]) => clocks::advance(work, id, params),

        ("GET", ["events"]) => webhooks::list_events(work, params),
        ("GET", ["events", id]) => webhooks::event(work, id, params),
        ("POST", ["webhook_endpoints"]) => webhooks::create(work, params),
        ("GET", ["webhook_endpoints"]) => webhooks::list(work, params),
        ("GET", ["webhook_endpoints", id]) => webhooks::retrieve(work, id, params),
        ("POST", ["webhook_endpoints", id]) => webhooks::update(work, id, params),
        ("DELETE", ["webhook_endpoints", id]) => webhooks::delete(work, id, params),

        _ => Err(Failure::unknown_route(
            method,
            &format!("/v1/{}", segments.join("/")),
        )),
    }
}
