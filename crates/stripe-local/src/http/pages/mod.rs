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
};

/// Nothing is loaded from elsewhere, nothing can be framed, nothing is kept. Forms may lead anywhere: they end at the
/// application's return URL.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = include_str!("style.css");

/// A mark for the tab, so that browsers ask for none.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%23635bff'/%3E%3Cpath d='M5 10.5c1 .8 5.5 1 5.5-1 0-2.2-5-1-5-3 0-1.800 4-1.500 5-.7' fill='none' stroke='%23fff' stroke-width='1.600'/%3E%3C/svg%3E";

const DATE: &[FormatItem<'static>] = format_description!("[month repr:long] [day padding:none], [year]");
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
        "<main class=\"notice\"><h1>Something went wrong</h1><p>{}</p></main>",
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

/// Fields for a card, with what was typed. The number can be picked from Stripe's test cards.
fn card_fields(card: &CardForm) -> String {
    format!(
        r#"<fieldset class="card"><legend>Card information</legend>
<label class="hidden" for="cardNumber">Card number</label>
<input id="cardNumber" name="cardNumber" inputmode="numeric" autocomplete="cc-number" placeholder="1234 1234 1234 1234" list="test-cards" required maxlength="32" value="{}">
<label class="hidden" for="cardExpiry">Expiration, month and year</label>
<input id="cardExpiry" name="cardExpiry" inputmode="numeric" autocomplete="cc-exp" placeholder="MM / YY" required maxlength="9" value="{}">
<label class="hidden" for="cardCvc">Security code</label>
<input id="cardCvc" name="cardCvc" inputmode="numeric" autocomplete="cc-csc" placeholder="CVC" required maxlength="4" value="{}">
</fieldset>
<datalist id="test-cards"><option value="4242 4242 4242 4242">works</option><option value="4000 0000 0000 0002">is declined</option><option value="4000 0000 0000 9995">has insufficient funds</option><option value="4000 0000 0000 0341">is kept, then every charge fails</option><option value="4000 0025 0000 3155">asks for confirmation</option></datalist>
<label for="billingName">Cardholder name</label>
<input id="billingName" name="billingName" autocomplete="cc-name" placeholder="Full name on card" maxlength="200" value="{}">"#,
        escape(&card.number),
        escape(&card.expiry),
        escape(&card.cvc),
        escape(&card.name),
    )
}

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
        r#"<main class="notice"><h1>Confirm your payment</h1><p>This is where the bank of the card's owner asks whether it is really them (3D Secure).</p>
<form method="post" action="{}">{hidden}<input type="hidden" name="confirmed" value="yes"><button class="primary">Complete authentication</button></form>
<p><a href="{}">Fail authentication</a></p></main>"#,
        escape(action),
        escape(back),
    );
    page(StatusCode::OK, "Confirm your payment", "narrow", &body)
}

fn error_line(error: Option<&str>) -> String {
    error.map_or(String::new(), |error| {
        format!("<p class=\"error\" role=\"alert\">{}</p>", escape(error))
    })
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
        assert_eq!(moment(1_700_000_000), "2023-11-14 22:13:20");
    }
}
