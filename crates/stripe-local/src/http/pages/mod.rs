//! Pages for people: Checkout, the portal, and the index of controls. They work without JavaScript.

pub(super) mod checkout;
pub(super) mod index;
pub(super) mod portal;

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use time::{OffsetDateTime, format_description::FormatItem, macros::format_description};

use crate::{
    engine::CardForm,
    failure::Failure,
    form::{self, Node},
    world::Recurring,
};

/// Nothing is loaded from elsewhere, nothing can be framed, nothing is kept. Forms may lead anywhere: they end at the
/// application's return URL.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = include_str!("style.css");

/// A mark for the tab, so that browsers ask for none.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%23635bff'/%3E%3Cpath d='M5 10.5c1 .8 5.5 1 5.5-1 0-2.2-5-1-5-3 0-1.800 4-1.500 5-.7' fill='none' stroke='%23fff' stroke-width='1.600'/%3E%3C/svg%3E";

/// The name of the account, as pages have it.
const ACCOUNT: &str = "Local test account";

/// A small mark for whoever sells.
const SHOP: &str = "<svg class=\"shop\" viewBox=\"0 0 24 24\" width=\"24\" height=\"24\" aria-hidden=\"true\" focusable=\"false\"><circle cx=\"12\" cy=\"12\" r=\"12\"/><path d=\"M6.500 10.500 7.500 7h9l1 3.500M7.500 11.500V17h9v-5.500M10.500 17v-3h3v3M6.500 10.500c0 1.300 2.700 1.300 2.700 0 0 1.300 2.800 1.300 2.800 0 0 1.300 2.800 1.300 2.800 0 0 1.300 2.700 1.300 2.700 0\" fill=\"none\"/></svg>";

/// What stands at the bottom of every page.
const FOOT: &str = "<p class=\"foot\">Shown by <strong>stripe-local</strong>, a stand-in for Stripe. No money moves here.</p>";

const DATE: &[FormatItem<'static>] = format_description!("[month repr:long] [day padding:none], [year]");
const SHORT_DATE: &[FormatItem<'static>] =
    format_description!("[month repr:short] [day padding:none], [year]");
const TIME: &[FormatItem<'static>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// Text that markup cannot hide in.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

fn date(at: i64) -> String {
    formatted(at, DATE)
}

/// `month`, or `3 months`.
fn every(recurring: Recurring) -> String {
    match recurring.count {
        1 => recurring.interval.as_str().to_owned(),
        count => format!("{count} {}s", recurring.interval.as_str()),
    }
}

/// For tables.
fn short_date(at: i64) -> String {
    formatted(at, SHORT_DATE)
}

fn moment(at: i64) -> String {
    formatted(at, TIME)
}

fn formatted(at: i64, format: &[FormatItem<'static>]) -> String {
    OffsetDateTime::from_unix_timestamp(at)
        .ok()
        .and_then(|at| at.format(format).ok())
        .unwrap_or_else(|| at.to_string())
}

fn page(status: StatusCode, title: &str, class: &str, body: &str) -> Response {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <link rel=\"icon\" href=\"{ICON}\"><style>{STYLE}</style></head><body class=\"{class}\">{body}</body></html>",
        escape(title)
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, Html(html)).into_response()
}

/// A page that only says something.
fn notice(failure: &Failure) -> Response {
    let status = super::status(failure.status);
    let body = format!(
        "<main class=\"notice\"><h1>Something went wrong</h1><p class=\"soft\">{}</p>{FOOT}</main>",
        escape(failure.message())
    );
    page(status, "Something went wrong", "narrow", &body)
}

/// A field of a posted form; empty when it is missing.
fn field(form: &std::collections::BTreeMap<String, Node>, name: &str) -> String {
    match form.get(name) {
        Some(Node::Text(text)) => text.trim().to_owned(),
        _ => String::new(),
    }
}

/// The card of a posted form.
fn card_form(body: &str) -> CardForm {
    let form = form::parse(body);
    CardForm {
        number: field(&form, "cardNumber"),
        expiry: field(&form, "cardExpiry"),
        cvc: field(&form, "cardCvc"),
        name: field(&form, "billingName"),
        confirmed: field(&form, "confirmed") == "yes",
    }
}

/// What is wrong with a form, and at which of its fields that is said.
pub(super) struct Fault {
    field: &'static str,
    message: String,
}

impl Fault {
    fn of(failure: &Failure) -> Self {
        let field = match (failure.param(), failure.code()) {
            (Some("email"), _) => "email",
            (_, Some("invalid_expiry_month" | "invalid_expiry_year" | "expired_card")) => "cardExpiry",
            (_, Some("invalid_cvc" | "incorrect_cvc")) => "cardCvc",
            _ => "cardNumber",
        };
        Self {
            field,
            message: failure.message().to_owned(),
        }
    }

    /// Attributes for an input, and the sentence that they point to; both empty when the fault is elsewhere.
    fn at(fault: Option<&Self>, field: &str) -> (String, String) {
        match fault.filter(|fault| fault.field == field) {
            Some(fault) => (
                format!(" aria-invalid=\"true\" aria-describedby=\"{field}-fault\""),
                format!(
                    "<p class=\"fault\" id=\"{field}-fault\" role=\"alert\">{}</p>",
                    escape(&fault.message)
                ),
            ),
            None => (String::new(), String::new()),
        }
    }
}

/// Fields for a card, with what was typed. The number can be picked from Stripe's test cards.
fn card_fields(card: &CardForm, fault: Option<&Fault>) -> String {
    let (number, number_fault) = Fault::at(fault, "cardNumber");
    let (expiry, expiry_fault) = Fault::at(fault, "cardExpiry");
    let (cvc, cvc_fault) = Fault::at(fault, "cardCvc");
    let rows: String = TEST_CARDS
        .iter()
        .map(|(number, what)| format!("<li><code>{number}</code> {what}</li>"))
        .collect();
    let options: String = TEST_CARDS
        .iter()
        .map(|(number, what)| format!("<option value=\"{number}\">{what}</option>"))
        .collect();
    format!(
        r#"<div class="box"><fieldset class="card"><legend>Card information</legend>
<label class="hidden" for="cardNumber">Card number</label>
<input id="cardNumber" name="cardNumber" inputmode="numeric" autocomplete="cc-number" placeholder="1234 1234 1234 1234" list="test-cards" required maxlength="32" value="{}"{number}>
<label class="hidden" for="cardExpiry">Expiration, month and year</label>
<input id="cardExpiry" name="cardExpiry" inputmode="numeric" autocomplete="cc-exp" placeholder="MM / YY" required maxlength="9" value="{}"{expiry}>
<label class="hidden" for="cardCvc">Security code</label>
<input id="cardCvc" name="cardCvc" inputmode="numeric" autocomplete="cc-csc" placeholder="CVC" required maxlength="4" value="{}"{cvc}>
</fieldset>{number_fault}{expiry_fault}{cvc_fault}<datalist id="test-cards">{options}</datalist>
<label for="billingName">Cardholder name</label>
<input id="billingName" name="billingName" autocomplete="cc-name" placeholder="Full name on card" maxlength="200" dir="auto" value="{}">
<details><summary>Test cards</summary><ul class="tests">{rows}</ul><p class="small">Any date to come and any three digits will do.</p></details></div>"#,
        escape(&card.number),
        escape(&card.expiry),
        escape(&card.cvc),
        escape(&card.name),
    )
}

/// Numbers that are worth a try, and what they do.
const TEST_CARDS: [(&str, &str); 5] = [
    ("4242 4242 4242 4242", "works"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has insufficient funds"),
    ("4000 0000 0000 0341", "is kept, then every charge fails"),
    ("4000 0025 0000 3155", "asks for confirmation"),
];

/// The same fields once more, for a card whose owner is asked to confirm.
fn hidden_card(card: &CardForm) -> String {
    [
        ("cardNumber", &card.number),
        ("cardExpiry", &card.expiry),
        ("cardCvc", &card.cvc),
        ("billingName", &card.name),
    ]
    .iter()
    .map(|(name, value)| {
        format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escape(value)
        )
    })
    .collect()
}

/// The bank's question to the card's owner.
fn confirmation(action: &str, back: &str, hidden: &str) -> Response {
    let body = format!(
        r#"<main class="notice"><h1>Confirm your payment</h1><p class="soft">This is where the bank of the card's owner asks whether it is really them (3D Secure).</p>
<form class="pay" method="post" action="{}">{hidden}<input type="hidden" name="confirmed" value="yes"><button class="primary">Complete authentication</button></form>
<p class="centre"><a href="{}">Fail authentication</a></p>{FOOT}</main>"#,
        escape(action),
        escape(back),
    );
    page(StatusCode::OK, "Confirm your payment", "narrow", &body)
}

/// A page whose time is over.
fn closed_page(title: &str, sentence: &str, link: Option<&str>) -> Response {
    let link = link.map_or(String::new(), |url| {
        format!(
            "<p><a class=\"button\" href=\"{}\">Return to the site</a></p>",
            escape(url)
        )
    });
    let body =
        format!("<main class=\"notice\"><h1>{title}</h1><p class=\"soft\">{sentence}</p>{link}{FOOT}</main>");
    page(StatusCode::OK, title, "narrow", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(
            escape("<b title='x'>&\"</b>"),
            "&lt;b title=&#39;x&#39;&gt;&amp;&quot;&lt;/b&gt;"
        );
        assert_eq!(escape("Zoë 🦀"), "Zoë 🦀");
    }

    #[test]
    fn dates() {
        assert_eq!(date(1_700_000_000), "November 14, 2023");
        assert_eq!(short_date(1_700_000_000), "Nov 14, 2023");
        assert_eq!(moment(1_700_000_000), "2023-11-14 22:13:20");
    }
}
