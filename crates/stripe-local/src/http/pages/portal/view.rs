//! What the portal's pages look like.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{MOST_COMMENT_CHARS, Visit};
use crate::{
    engine::{CardForm, Work},
    http::pages::{card_fields, date, error_line, escape, page},
    money::amount_in_words,
    world::{FlowKind, Invoice, InvoiceStatus, PaymentMethod, Price, Product, Status, Subscription},
};

pub(super) fn overview(work: &Work<'_>, visit: &Visit) -> Response {
    // A flow whose subscription is canceled already shows the first page.
    if let Some(flow) = &visit.session.flow {
        let open = flow
            .subscription
            .as_deref()
            .and_then(|id| visit.subscription(work, id).ok());
        match (flow.kind, open) {
            (FlowKind::PaymentMethodUpdate, _) if visit.customer.default_payment_method.is_none() => {
                return Redirect::to(&format!("{}/card", visit.path())).into_response();
            }
            (FlowKind::SubscriptionCancel, Some(subscription)) if subscription.ends_at().is_none() => {
                return Redirect::to(&format!("{}/cancel/{}", visit.path(), subscription.id)).into_response();
            }
            _ => {}
        }
    }
    let subscriptions: String = work
        .world
        .all::<Subscription>()
        .filter(|subscription| subscription.customer == visit.customer.id && !subscription.is_over())
        .map(|subscription| plan(work, visit, subscription))
        .collect();
    let subscriptions = if subscriptions.is_empty() {
        "<p class=\"soft\">You have no subscription.</p>".to_owned()
    } else {
        subscriptions
    };
    let body = format!(
        "<h2>Current plan</h2>{subscriptions}{}{}",
        cards(work, visit),
        invoices(work, visit)
    );
    frame(visit, &body)
}

fn frame(visit: &Visit, body: &str) -> Response {
    let back = visit.session.return_url.as_ref().map_or(String::new(), |url| {
        format!(
            "<a class=\"back\" href=\"{}\">← Return to the site</a>",
            escape(url)
        )
    });
    let headline = visit
        .configuration
        .headline
        .as_deref()
        .unwrap_or("Manage your subscription and billing");
    let body = format!(
        r#"<main class="two"><section class="aside" aria-label="Account"><div><p class="soft">Local test account <span class="badge">TEST MODE</span></p><h1>{}</h1><p class="soft">{}</p>{back}</div></section><section aria-label="Billing"><div>{body}</div></section></main>"#,
        escape(headline),
        escape(visit.customer.email.as_deref().unwrap_or_default()),
    );
    page(StatusCode::OK, "Billing", "", &body)
}

/// Name and cost of a subscription.
fn describe(work: &Work<'_>, subscription: &Subscription) -> (String, String) {
    let mut names = Vec::new();
    let mut amount = 0;
    for item in &subscription.items {
        if let Some(price) = work.world.get::<Price>(&item.price) {
            amount += price.unit_amount * item.quantity;
            let product = work.world.get::<Product>(&price.product);
            names.push(product.map_or_else(|| price.product.clone(), |product| product.name.clone()));
        }
    }
    let cost = amount_in_words(amount, &subscription.currency);
    (
        names.join(", "),
        format!("{cost} per {}", subscription.recurring.interval.as_str()),
    )
}

fn plan(work: &Work<'_>, visit: &Visit, subscription: &Subscription) -> String {
    let (name, cost) = describe(work, subscription);
    let state = match (subscription.ends_at(), subscription.status) {
        (Some(at), _) => format!("Your plan will be canceled on {}.", date(at)),
        (None, Status::Trialing) => format!("Your trial ends on {}.", date(subscription.period.end)),
        (None, Status::PastDue) => "Your last payment failed. Update your card to keep your plan.".to_owned(),
        (None, Status::Unpaid | Status::Incomplete) => "Your plan waits for a payment.".to_owned(),
        (None, Status::Paused) => "Your plan is paused.".to_owned(),
        (None, _) => format!("Your plan renews on {}.", date(subscription.period.end)),
    };
    let path = visit.path();
    let id = escape(&subscription.id);
    let action = if !visit.configuration.subscription_cancel {
        String::new()
    } else if subscription.ends_at().is_some() {
        format!(
            "<form method=\"post\" action=\"{path}/renew/{id}\"><button class=\"primary\">Don’t cancel subscription</button></form>"
        )
    } else {
        format!("<a class=\"button\" href=\"{path}/cancel/{id}\">Cancel subscription</a>")
    };
    format!(
        "<div class=\"row\"><div><p><strong>{}</strong></p><p class=\"price\">{}</p><p class=\"soft\">{}</p></div><div class=\"actions\">{action}</div></div>",
        escape(&name),
        escape(&cost),
        escape(&state)
    )
}

fn cards(work: &Work<'_>, visit: &Visit) -> String {
    if !visit.configuration.payment_method_update {
        return String::new();
    }
    let list: String = work
        .world
        .all::<PaymentMethod>()
        .filter(|method| method.customer.as_deref() == Some(visit.customer.id.as_str()))
        .map(|method| {
            let card = &method.card;
            let default = if visit.customer.default_payment_method.as_ref() == Some(&method.id) {
                " <span class=\"badge\">Default</span>"
            } else {
                ""
            };
            format!(
                "<div class=\"row\"><p>{} •••• {}{default}</p><p class=\"soft\">Expires {:02}/{}</p></div>",
                escape(&card.brand.to_uppercase()),
                escape(&card.last4),
                card.exp_month,
                card.exp_year
            )
        })
        .collect();
    let list = if list.is_empty() {
        "<p class=\"soft\">No payment method.</p>".to_owned()
    } else {
        list
    };
    format!(
        "<h2>Payment method</h2>{list}<p><a class=\"button\" href=\"{}/card\">Add payment method</a></p>",
        visit.path()
    )
}

fn invoices(work: &Work<'_>, visit: &Visit) -> String {
    if !visit.configuration.invoice_history {
        return String::new();
    }
    let rows: String = work
        .world
        .all::<Invoice>()
        .rev()
        .filter(|invoice| invoice.customer == visit.customer.id && invoice.status != InvoiceStatus::Draft)
        .map(|invoice| {
            let pay = if invoice.status == InvoiceStatus::Open {
                format!(
                    "<form method=\"post\" action=\"{}/pay/{}\"><button>Pay</button></form>",
                    visit.path(),
                    escape(&invoice.id)
                )
            } else {
                String::new()
            };
            format!(
                "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td>{} {pay}</td></tr>",
                date(invoice.created),
                escape(invoice.number.as_deref().unwrap_or_default()),
                escape(&amount_in_words(invoice.total(), &invoice.currency)),
                invoice.status.as_str()
            )
        })
        .collect();
    if rows.is_empty() {
        return "<h2>Invoice history</h2><p class=\"soft\">No invoice yet.</p>".to_owned();
    }
    format!(
        "<h2>Invoice history</h2><div class=\"scroll\"><table><thead><tr><th>Date</th><th>Number</th><th class=\"number\">Amount</th><th>Status</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

pub(super) fn cancel_page(work: &Work<'_>, visit: &Visit, subscription: &Subscription) -> Response {
    let (name, cost) = describe(work, subscription);
    let when = if visit.configuration.cancel_immediately {
        "Your plan ends at once.".to_owned()
    } else {
        format!(
            "Your plan will be canceled, but is still available until the end of your billing period on {}. If you change your mind, you can renew it until then.",
            date(subscription.period.end)
        )
    };
    let reasons: String = visit
        .configuration
        .cancellation_reasons
        .iter()
        .map(|reason| {
            format!(
                "<option value=\"{0}\">{1}</option>",
                escape(reason),
                escape(&reason.replace('_', " "))
            )
        })
        .collect();
    let reasons = if reasons.is_empty() {
        String::new()
    } else {
        format!(
            "<label for=\"feedback\">Why do you cancel?</label><select id=\"feedback\" name=\"feedback\"><option value=\"\">No answer</option>{reasons}</select><label for=\"comment\">Anything else?</label><textarea id=\"comment\" name=\"comment\" maxlength=\"{MOST_COMMENT_CHARS}\"></textarea>"
        )
    };
    let body = format!(
        "<h1>Confirm cancellation</h1><p><strong>{}</strong>, {}</p><p>{}</p><form method=\"post\" action=\"{path}/cancel/{}\">{reasons}<p class=\"actions\"><button class=\"primary\">Cancel subscription</button><a class=\"button\" href=\"{back}\">Go back</a></p></form>",
        escape(&name),
        escape(&cost),
        escape(&when),
        escape(&subscription.id),
        path = visit.path(),
        back = escape(
            visit
                .session
                .return_url
                .as_deref()
                .filter(|_| visit.session.flow.is_some())
                .unwrap_or(&visit.path())
        ),
    );
    frame(visit, &body)
}

pub(super) fn card_page(visit: &Visit, card: &CardForm, error: Option<&str>) -> Response {
    let back = visit
        .session
        .return_url
        .as_deref()
        .filter(|_| visit.session.flow.is_some());
    let path = visit.path();
    let body = format!(
        "<h1>Add payment method</h1>{}<form class=\"pay\" method=\"post\" action=\"{path}/card\">{}<button class=\"primary\">Add</button></form><p><a href=\"{}\">Go back</a></p>",
        error_line(error),
        card_fields(card),
        escape(back.unwrap_or(&path)),
    );
    frame(visit, &body)
}
