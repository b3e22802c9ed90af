//! What the portal's pages look like.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    MOST_COMMENT_CHARS, Visit,
    plan::{describe, plan},
};
use crate::{
    engine::{CardForm, Work},
    http::pages::{ACCOUNT, FOOT, Fault, SHOP, card_fields, date, escape, page, short_date},
    money::amount_in_words,
    world::{FlowKind, Invoice, InvoiceStatus, PaymentMethod, Subscription},
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
        "<h2>Current plan</h2>{subscriptions}{}{}{}",
        cards(work, visit),
        person(visit),
        invoices(work, visit)
    );
    frame(visit, &body)
}

fn frame(visit: &Visit, body: &str) -> Response {
    let back = visit.session.return_url.as_ref().map_or(String::new(), |url| {
        format!(
            "<p><a class=\"back\" href=\"{}\"><span aria-hidden=\"true\">←</span> Return to the site</a></p>",
            escape(url)
        )
    });
    let headline = visit
        .configuration
        .headline
        .as_deref()
        .unwrap_or("Manage your subscription and billing");
    let links: String = [
        ("Terms", &visit.configuration.terms_of_service_url),
        ("Privacy", &visit.configuration.privacy_policy_url),
    ]
    .into_iter()
    .filter_map(|(label, url)| Some(format!("<a href=\"{}\">{label}</a> ", escape(url.as_deref()?))))
    .collect();
    let links = if links.is_empty() {
        links
    } else {
        format!("<p class=\"small\">{links}</p>")
    };
    let body = format!(
        r#"<main class="two portal"><section class="summary" aria-label="Account"><div><p class="merchant">{SHOP}<span>{}</span> <span class="badge">Test mode</span></p><h1 dir="auto">{}</h1>{back}{links}{FOOT}</div></section><section class="form" aria-label="Billing"><div>{body}</div></section></main>"#,
        escape(ACCOUNT),
        escape(headline),
    );
    page(StatusCode::OK, "Billing", "", &body)
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
                " <span class=\"tag quiet\">Default</span>"
            } else {
                ""
            };
            format!(
                "<li class=\"tile\"><p><span class=\"brand\">{}</span> •••• {}{default}</p><p class=\"soft\">Expires {:02}/{}</p></li>",
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
        format!("<ul class=\"tiles\">{list}</ul>")
    };
    format!(
        "<h2>Payment method</h2>{list}<p><a class=\"button\" href=\"{}/card\">Add payment method</a></p>",
        visit.path()
    )
}

/// Who the invoices are for.
fn person(visit: &Visit) -> String {
    let rows: String = [("Name", &visit.customer.name), ("Email", &visit.customer.email)]
        .into_iter()
        .filter_map(|(label, value)| {
            Some(format!(
                "<div><dt>{label}</dt><dd dir=\"auto\">{}</dd></div>",
                escape(value.as_deref()?)
            ))
        })
        .collect();
    if rows.is_empty() {
        return rows;
    }
    format!("<h2>Billing information</h2><dl class=\"known\">{rows}</dl>")
}

/// How an invoice stands, and how good that is.
fn standing(status: InvoiceStatus) -> (&'static str, &'static str) {
    match status {
        InvoiceStatus::Draft => ("Draft", "quiet"),
        InvoiceStatus::Open => ("Open", "bad"),
        InvoiceStatus::Paid => ("Paid", "good"),
        InvoiceStatus::Void => ("Void", "quiet"),
    }
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
                    "<form method=\"post\" action=\"{}/pay/{}\"><button>Pay<span class=\"hidden\"> invoice {}</span></button></form>",
                    visit.path(),
                    escape(&invoice.id),
                    escape(invoice.number.as_deref().unwrap_or_default()),
                )
            } else {
                String::new()
            };
            let (word, kind) = standing(invoice.status);
            format!(
                "<tr><td class=\"date\">{}</td><td class=\"number\">{}</td><td><div class=\"actions\"><span class=\"tag {kind}\">{word}</span>{pay}</div></td><td class=\"soft\">{}</td></tr>",
                short_date(invoice.created),
                escape(&amount_in_words(invoice.total(), &invoice.currency)),
                escape(invoice.number.as_deref().unwrap_or_default()),
            )
        })
        .collect();
    if rows.is_empty() {
        return "<h2>Invoice history</h2><p class=\"soft\">No invoice yet.</p>".to_owned();
    }
    format!(
        "<h2>Invoice history</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Invoices\"><table><thead><tr><th>Date</th><th class=\"number\">Amount</th><th>Status</th><th>Number</th></tr></thead><tbody>{rows}</tbody></table></div>"
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
        "<h2 class=\"plain\">Confirm cancellation</h2><div class=\"tile\"><p><strong dir=\"auto\">{}</strong></p><p class=\"soft\">{}</p></div><p>{}</p><form method=\"post\" action=\"{path}/cancel/{}\">{reasons}<p class=\"actions\"><button class=\"primary\">Cancel subscription</button><a class=\"button\" href=\"{back}\">Go back</a></p></form>",
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

pub(super) fn card_page(visit: &Visit, card: &CardForm, fault: Option<&Fault>) -> Response {
    let back = visit
        .session
        .return_url
        .as_deref()
        .filter(|_| visit.session.flow.is_some());
    let path = visit.path();
    let body = format!(
        "<h2 class=\"plain\">Add payment method</h2><form class=\"pay\" method=\"post\" action=\"{path}/card\">{}<button class=\"primary\">Add</button></form><p class=\"centre\"><a href=\"{}\">Go back</a></p>",
        card_fields(card, fault),
        escape(back.unwrap_or(&path)),
    );
    frame(visit, &body)
}
