//! The HTML of the Checkout page: order summary and payment form.

use axum::{http::StatusCode, response::Response};

use super::MAX_EMAIL_CHARS;
use crate::{
    billing::period::DAY_SECS,
    engine::{CardForm, Operation},
    http::pages::{
        ACCOUNT_NAME, FOOTER, MERCHANT_ICON,
        card_form::{FormFieldError, card_fields},
        date, escape, html_page, interval_text,
    },
    money::format_amount,
    records::{CheckoutMode, CheckoutSessionRecord, CustomerRecord, PriceRecord, ProductRecord, Recurring},
    render::customer_email,
};

/// The texts of the page.
pub(super) struct CheckoutPage {
    pub(super) session: CheckoutSessionRecord,
    title: String,
    price: String,
    terms: String,
    lines: Vec<OrderLine>,
    /// Label and amount.
    totals: Vec<(&'static str, String)>,
    button: &'static str,
    /// The consequence of submitting the form.
    disclaimer: String,
    /// The customer's email address. `None`: the page asks for it.
    pub(super) email: Option<String>,
}

/// A line of the order summary.
struct OrderLine {
    name: String,
    description: Option<String>,
    billing_interval: String,
    cost: String,
    /// The price after a free trial.
    price_after_trial: Option<String>,
}

fn billing_interval_text(recurring: Recurring) -> String {
    match (recurring.count, recurring.interval.as_str()) {
        (1, "day") => "Billed daily".to_owned(),
        (1, interval) => format!("Billed {interval}ly"),
        _ => format!("Billed every {}", interval_text(recurring)),
    }
}

fn days_text(days: i64) -> String {
    let plural = if days == 1 { "" } else { "s" };
    format!("{days} day{plural}")
}

fn billing_now_secs(operation: &Operation<'_>, session: &CheckoutSessionRecord) -> i64 {
    let test_clock = session
        .customer
        .as_deref()
        .and_then(|id| operation.records.get::<CustomerRecord>(id))
        .and_then(|customer| customer.test_clock.clone());
    operation.now_secs(test_clock.as_deref())
}

pub(super) fn checkout_page(operation: &Operation<'_>, session: CheckoutSessionRecord) -> CheckoutPage {
    let email = customer_email(operation.records, &session).map(str::to_owned);
    let now = billing_now_secs(operation, &session);
    let data = &session.subscription_data;
    let trial_end = data
        .trial_end
        .or(data.trial_period_days.map(|days| now + days * DAY_SECS));
    let free_days = trial_end.map(|end| days_text((end - now + DAY_SECS - 1) / DAY_SECS));
    let mut total = 0;
    let mut interval = String::new();
    let mut names = Vec::new();
    let mut lines = Vec::new();
    for line in &session.lines {
        let Some(price) = operation.records.get::<PriceRecord>(&line.price) else {
            continue;
        };
        let product = operation.records.get::<ProductRecord>(&price.product);
        let name = product.map_or_else(|| price.product.clone(), |product| product.name.clone());
        let amount = price.unit_amount * line.quantity;
        total += amount;
        if let Some(recurring) = price.recurring {
            interval = interval_text(recurring);
        }
        let cost = format_amount(amount, &price.currency);
        names.push(name.clone());
        lines.push(OrderLine {
            name: if line.quantity > 1 {
                format!("{name} × {}", line.quantity)
            } else {
                name
            },
            description: product.and_then(|product| product.description.clone()),
            billing_interval: price.recurring.map(billing_interval_text).unwrap_or_default(),
            price_after_trial: free_days.as_ref().map(|_| format!("{cost} / {interval} after")),
            cost: free_days.as_ref().map_or(cost, |days| format!("{days} free")),
        });
    }
    let total_text = format_amount(total, &session.currency);
    let names = names.join(", ");
    let zero_amount = format_amount(0, &session.currency);
    let (title, price, terms, totals, button) = match (session.mode, trial_end, free_days) {
        (CheckoutMode::Subscription, Some(end), Some(days)) => (
            format!("Try {names}"),
            format!("{days} free"),
            format!("Then {total_text} per {interval} starting {}", date(end)),
            vec![
                ("Subtotal", total_text.clone()),
                ("Total after trial", total_text),
                ("Total due today", zero_amount),
            ],
            "Start trial",
        ),
        (CheckoutMode::Subscription, ..) => (
            format!("Subscribe to {names}"),
            total_text.clone(),
            format!("per {interval}"),
            vec![("Subtotal", total_text.clone()), ("Total due today", total_text)],
            "Subscribe",
        ),
        (CheckoutMode::Setup, ..) => (
            "Save your payment details".to_owned(),
            String::new(),
            "Nothing is due today.".to_owned(),
            Vec::new(),
            "Save card",
        ),
    };
    let disclaimer = if !session.needs_card() {
        "No card is required now. Add one before the trial ends to keep your plan.".to_owned()
    } else if session.mode == CheckoutMode::Setup {
        format!(
            "By saving this test card, you allow {ACCOUNT_NAME} to charge it later. No real card is ever charged here."
        )
    } else {
        format!(
            "By confirming your subscription, you allow {ACCOUNT_NAME} to charge this test card for this payment and future ones, until you cancel. No real card is ever charged here."
        )
    };
    CheckoutPage {
        session,
        title,
        price,
        terms,
        lines,
        totals,
        button,
        disclaimer,
        email,
    }
}

pub(super) fn open_session_page(
    page: &CheckoutPage,
    email: &str,
    card: &CardForm,
    error: Option<&FormFieldError>,
) -> Response {
    let session = &page.session;
    let (heading, fields) = if session.needs_card() {
        let fields = card_fields(card, error);
        ("Payment", format!("<h3>Payment method</h3>{fields}"))
    } else {
        ("Contact information", String::new())
    };
    let body = format!(
        r#"<main class="two">{}<section class="form" aria-label="Payment"><div><h2 class="plain">{heading}</h2>
<form class="pay" method="post" action="/c/pay/{}">{}{fields}<button class="primary">{}</button><p class="small">{}</p></form></div></section></main>"#,
        order_summary(page),
        escape(&session.id),
        email_field(page, email, error),
        page.button,
        escape(&page.disclaimer),
    );
    let status = if error.is_some() {
        StatusCode::PAYMENT_REQUIRED
    } else {
        StatusCode::OK
    };
    html_page(status, &page.title, "", &body)
}

fn order_summary(page: &CheckoutPage) -> String {
    let name = escape(ACCOUNT_NAME);
    let merchant = page.session.cancel_url.as_ref().map_or_else(
        || format!("{MERCHANT_ICON}<span>{name}</span>"),
        |url| {
            format!(
                "<a class=\"back\" href=\"{}\"><span aria-hidden=\"true\">←</span> {MERCHANT_ICON}<span><span class=\"hidden\">Back to </span>{name}</span></a>",
                escape(url)
            )
        },
    );
    let lines: String = page.lines.iter().map(order_line).collect();
    let totals: String = page
        .totals
        .iter()
        .map(|(label, amount)| format!("<div><dt>{label}</dt><dd>{}</dd></div>", escape(amount)))
        .collect();
    let order = if page.lines.is_empty() {
        String::new()
    } else {
        format!("<ul class=\"lines\">{lines}</ul><dl class=\"totals\">{totals}</dl>")
    };
    let price = if page.price.is_empty() {
        String::new()
    } else {
        format!("<p class=\"price\">{}</p>", escape(&page.price))
    };
    format!(
        r#"<section class="summary" aria-label="Order"><div><p class="merchant">{merchant} <span class="badge">Test mode</span></p><h1 class="lead" dir="auto">{}</h1>{price}<p class="soft">{}</p>{order}{FOOTER}</div></section>"#,
        escape(&page.title),
        escape(&page.terms),
    )
}

fn order_line(line: &OrderLine) -> String {
    let description = line.description.as_ref().map_or(String::new(), |text| {
        format!("<span class=\"small\" dir=\"auto\">{}</span>", escape(text))
    });
    let price_after_trial = line.price_after_trial.as_ref().map_or(String::new(), |text| {
        format!("<span class=\"small\">{}</span>", escape(text))
    });
    format!(
        "<li><span><strong dir=\"auto\">{}</strong>{description}<span class=\"small\">{}</span></span><span class=\"number\"><strong>{}</strong>{price_after_trial}</span></li>",
        escape(&line.name),
        escape(&line.billing_interval),
        escape(&line.cost),
    )
}

/// The known email address, or an input for it.
fn email_field(page: &CheckoutPage, typed_email: &str, error: Option<&FormFieldError>) -> String {
    match &page.email {
        Some(known) => format!(
            "<dl class=\"known\"><div><dt>Email</dt><dd dir=\"auto\">{}</dd></div></dl>",
            escape(known)
        ),
        None => {
            let (attributes, message) = FormFieldError::markup(error, "email");
            format!(
                "<label for=\"email\">Email</label><input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" required maxlength=\"{MAX_EMAIL_CHARS}\" placeholder=\"email@example.com\" value=\"{}\"{attributes}>{message}",
                escape(typed_email)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::PriceInterval;

    #[test]
    fn intervals_and_days_are_readable() {
        let cases = [
            (PriceInterval::Day, 1, "Billed daily"),
            (PriceInterval::Week, 1, "Billed weekly"),
            (PriceInterval::Month, 1, "Billed monthly"),
            (PriceInterval::Year, 1, "Billed yearly"),
            (PriceInterval::Month, 3, "Billed every 3 months"),
        ];
        for (interval, count, expected) in cases {
            assert_eq!(billing_interval_text(Recurring { interval, count }), expected);
        }
        assert_eq!(days_text(1), "1 day");
        assert_eq!(days_text(3), "3 days");
    }
}
