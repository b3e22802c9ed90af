//! The HTML of the portal's pages.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    MAX_COMMENT_CHARS, PortalContext,
    plan::{name_and_cost, plan_tile},
};
use crate::{
    engine::{CardForm, Operation},
    http::pages::{
        ACCOUNT_NAME, FOOTER, MERCHANT_ICON,
        card_form::{FormFieldError, card_fields},
        date, escape, html_page, short_date,
    },
    money::format_amount,
    records::{FlowKind, InvoiceRecord, InvoiceStatus, PaymentMethodRecord, SubscriptionRecord},
};

pub(super) fn overview_page(operation: &Operation<'_>, context: &PortalContext) -> Response {
    // The overview is shown if the flow's subscription is already canceled.
    if let Some(flow) = &context.session.flow {
        let open = flow
            .subscription
            .as_deref()
            .and_then(|id| context.subscription(operation, id).ok());
        match (flow.kind, open) {
            (FlowKind::PaymentMethodUpdate, _) if context.customer.default_payment_method.is_none() => {
                return Redirect::to(&format!("{}/card", context.path())).into_response();
            }
            (FlowKind::SubscriptionCancel, Some(subscription)) if subscription.ends_at().is_none() => {
                return Redirect::to(&format!("{}/cancel/{}", context.path(), subscription.id))
                    .into_response();
            }
            _ => {}
        }
    }
    let subscriptions: String = operation
        .records
        .children::<SubscriptionRecord>(&context.customer.id)
        .filter(|subscription| !subscription.has_ended())
        .map(|subscription| plan_tile(operation, context, subscription))
        .collect();
    let subscriptions = if subscriptions.is_empty() {
        "<p class=\"soft\">You have no subscription.</p>".to_owned()
    } else {
        subscriptions
    };
    let body = format!(
        "<h2>Current plan</h2>{subscriptions}{}{}{}",
        payment_methods(operation, context),
        billing_information(context),
        invoice_history(operation, context)
    );
    portal_page(context, &body)
}

fn portal_page(context: &PortalContext, body: &str) -> Response {
    let back = context.session.return_url.as_ref().map_or(String::new(), |url| {
        format!(
            "<p><a class=\"back\" href=\"{}\"><span aria-hidden=\"true\">←</span> Return to the site</a></p>",
            escape(url)
        )
    });
    let headline = context
        .configuration
        .headline
        .as_deref()
        .unwrap_or("Manage your subscription and billing");
    let links: String = [
        ("Terms", &context.configuration.terms_of_service_url),
        ("Privacy", &context.configuration.privacy_policy_url),
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
        r#"<main class="two portal"><section class="summary" aria-label="Account"><div><p class="merchant">{MERCHANT_ICON}<span>{}</span> <span class="badge">Test mode</span></p><h1 dir="auto">{}</h1>{back}{links}{FOOTER}</div></section><section class="form" aria-label="Billing"><div>{body}</div></section></main>"#,
        escape(ACCOUNT_NAME),
        escape(headline),
    );
    html_page(StatusCode::OK, "Billing", "", &body)
}

fn payment_methods(operation: &Operation<'_>, context: &PortalContext) -> String {
    if !context.configuration.payment_method_update {
        return String::new();
    }
    let list: String = operation
        .records
        .children::<PaymentMethodRecord>(&context.customer.id)
        .map(|method| {
            let card = &method.card;
            let default = if context.customer.default_payment_method.as_ref() == Some(&method.id) {
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
        context.path()
    )
}

/// The name and email address on invoices.
fn billing_information(context: &PortalContext) -> String {
    let rows: String = [
        ("Name", &context.customer.name),
        ("Email", &context.customer.email),
    ]
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

/// The status label of an invoice and its CSS class.
fn invoice_tag(status: InvoiceStatus) -> (&'static str, &'static str) {
    match status {
        InvoiceStatus::Draft => ("Draft", "quiet"),
        InvoiceStatus::Open => ("Open", "bad"),
        InvoiceStatus::Paid => ("Paid", "good"),
        InvoiceStatus::Void => ("Void", "quiet"),
    }
}

fn invoice_history(operation: &Operation<'_>, context: &PortalContext) -> String {
    if !context.configuration.invoice_history {
        return String::new();
    }
    let rows: String = operation
        .records
        .children::<InvoiceRecord>(&context.customer.id)
        .rev()
        .filter(|invoice| invoice.status != InvoiceStatus::Draft)
        .map(|invoice| {
            let pay = if invoice.status == InvoiceStatus::Open {
                format!(
                    "<form method=\"post\" action=\"{}/pay/{}\"><button>Pay<span class=\"hidden\"> invoice {}</span></button></form>",
                    context.path(),
                    escape(&invoice.id),
                    escape(invoice.number.as_deref().unwrap_or_default()),
                )
            } else {
                String::new()
            };
            let (word, kind) = invoice_tag(invoice.status);
            format!(
                "<tr><td class=\"date\">{}</td><td class=\"number\">{}</td><td><div class=\"actions\"><span class=\"tag {kind}\">{word}</span>{pay}</div></td><td class=\"soft\">{}</td></tr>",
                short_date(invoice.created),
                escape(&format_amount(invoice.total(), &invoice.currency)),
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

pub(super) fn cancel_page(
    operation: &Operation<'_>,
    context: &PortalContext,
    subscription: &SubscriptionRecord,
) -> Response {
    let (name, cost) = name_and_cost(operation, subscription);
    let when = if context.configuration.cancel_immediately {
        "Your plan ends immediately.".to_owned()
    } else {
        format!(
            "Your plan will be canceled, but is still available until the end of your billing period on {}. If you change your mind, you can renew it until then.",
            date(subscription.period.end)
        )
    };
    let reasons: String = context
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
            "<label for=\"feedback\">Why do you cancel?</label><select id=\"feedback\" name=\"feedback\"><option value=\"\">No answer</option>{reasons}</select><label for=\"comment\">Anything else?</label><textarea id=\"comment\" name=\"comment\" maxlength=\"{MAX_COMMENT_CHARS}\"></textarea>"
        )
    };
    let body = format!(
        "<h2 class=\"plain\">Confirm cancellation</h2><div class=\"tile\"><p><strong dir=\"auto\">{}</strong></p><p class=\"soft\">{}</p></div><p>{}</p><form method=\"post\" action=\"{path}/cancel/{}\">{reasons}<p class=\"actions\"><button class=\"primary\">Cancel subscription</button><a class=\"button\" href=\"{back}\">Go back</a></p></form>",
        escape(&name),
        escape(&cost),
        escape(&when),
        escape(&subscription.id),
        path = context.path(),
        back = escape(
            context
                .session
                .return_url
                .as_deref()
                .filter(|_| context.session.flow.is_some())
                .unwrap_or(&context.path())
        ),
    );
    portal_page(context, &body)
}

pub(super) fn card_page(
    context: &PortalContext,
    card: &CardForm,
    error: Option<&FormFieldError>,
) -> Response {
    let back = context
        .session
        .return_url
        .as_deref()
        .filter(|_| context.session.flow.is_some());
    let path = context.path();
    let body = format!(
        "<h2 class=\"plain\">Add payment method</h2><form class=\"pay\" method=\"post\" action=\"{path}/card\">{}<button class=\"primary\">Add</button></form><p class=\"centre\"><a href=\"{}\">Go back</a></p>",
        card_fields(card, error),
        escape(back.unwrap_or(&path)),
    );
    portal_page(context, &body)
}
