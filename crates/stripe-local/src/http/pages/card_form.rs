//! The card fields of the Checkout and portal pages, their errors, and the bank's authentication page.

use std::collections::BTreeMap;

use axum::{http::StatusCode, response::Response};

use super::{FOOTER, escape, html_page};
use crate::{api_error::ApiError, engine::CardForm, form};

/// The trimmed text of a form field. Empty if the field is missing.
pub(super) fn field(form: &BTreeMap<String, String>, name: &str) -> String {
    form.get(name)
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// The card fields of a submitted form.
pub(super) fn card_form(body: &str) -> CardForm {
    let form = form::fields(body);
    CardForm {
        number: field(&form, "cardNumber"),
        expiry: field(&form, "cardExpiry"),
        cvc: field(&form, "cardCvc"),
        name: field(&form, "billingName"),
        confirmed: field(&form, "confirmed") == "yes",
    }
}

/// An error message for one field of a form.
pub(super) struct FormFieldError {
    field: &'static str,
    message: String,
}

impl FormFieldError {
    /// The field follows from the error's parameter and code. Other errors are shown at the card number.
    pub(super) fn from_api_error(error: &ApiError) -> Self {
        let field = match (error.param(), error.code()) {
            (Some("email"), _) => "email",
            (_, Some("invalid_expiry_month" | "invalid_expiry_year" | "expired_card")) => "cardExpiry",
            (_, Some("invalid_cvc" | "incorrect_cvc")) => "cardCvc",
            _ => "cardNumber",
        };
        Self {
            field,
            message: error.message().to_owned(),
        }
    }

    /// Attributes for the input, and the message element that they refer to. Both are empty for other fields.
    pub(super) fn markup(error: Option<&Self>, field: &str) -> (String, String) {
        match error.filter(|error| error.field == field) {
            Some(error) => (
                format!(" aria-invalid=\"true\" aria-describedby=\"{field}-error\""),
                format!(
                    "<p class=\"field-error\" id=\"{field}-error\" role=\"alert\">{}</p>",
                    escape(&error.message)
                ),
            ),
            None => (String::new(), String::new()),
        }
    }
}

/// The card fields, filled with `card`. A data list offers Stripe's test cards.
pub(super) fn card_fields(card: &CardForm, error: Option<&FormFieldError>) -> String {
    let (number, number_error) = FormFieldError::markup(error, "cardNumber");
    let (expiry, expiry_error) = FormFieldError::markup(error, "cardExpiry");
    let (cvc, cvc_error) = FormFieldError::markup(error, "cardCvc");
    let rows: String = TEST_CARDS
        .iter()
        .map(|(number, behaviour)| format!("<li><code>{number}</code> {behaviour}</li>"))
        .collect();
    let options: String = TEST_CARDS
        .iter()
        .map(|(number, behaviour)| format!("<option value=\"{number}\">{behaviour}</option>"))
        .collect();
    format!(
        r#"<div class="box"><fieldset class="card"><legend>Card information</legend>
<label class="hidden" for="cardNumber">Card number</label>
<input id="cardNumber" name="cardNumber" inputmode="numeric" autocomplete="cc-number" placeholder="1234 1234 1234 1234" list="test-cards" required maxlength="32" value="{}"{number}>
<label class="hidden" for="cardExpiry">Expiration, month and year</label>
<input id="cardExpiry" name="cardExpiry" inputmode="numeric" autocomplete="cc-exp" placeholder="MM / YY" required maxlength="9" value="{}"{expiry}>
<label class="hidden" for="cardCvc">Security code</label>
<input id="cardCvc" name="cardCvc" inputmode="numeric" autocomplete="cc-csc" placeholder="CVC" required maxlength="4" value="{}"{cvc}>
</fieldset>{number_error}{expiry_error}{cvc_error}<datalist id="test-cards">{options}</datalist>
<label for="billingName">Cardholder name</label>
<input id="billingName" name="billingName" autocomplete="cc-name" placeholder="Full name on card" maxlength="200" dir="auto" value="{}">
<details><summary>Test cards</summary><ul class="tests">{rows}</ul><p class="small">Any future date and any three digits are accepted.</p></details></div>"#,
        escape(&card.number),
        escape(&card.expiry),
        escape(&card.cvc),
        escape(&card.name),
    )
}

/// The test cards that the form offers: number and behaviour.
const TEST_CARDS: [(&str, &str); 5] = [
    ("4242 4242 4242 4242", "succeeds"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has insufficient funds"),
    ("4000 0000 0000 0341", "can be saved, then every charge fails"),
    ("4000 0025 0000 3155", "requires authentication (3D Secure)"),
];

/// The card fields as hidden inputs, for the authentication page.
pub(super) fn hidden_card(card: &CardForm) -> String {
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

/// The bank's 3D Secure page. `hidden` has the fields of the form that is submitted again.
pub(super) fn confirmation_page(action: &str, back: &str, hidden: &str) -> Response {
    let body = format!(
        r#"<main class="notice"><h1>Confirm your payment</h1><p class="soft">The cardholder's bank asks the cardholder to confirm this payment (3D Secure).</p>
<form class="pay" method="post" action="{}">{hidden}<input type="hidden" name="confirmed" value="yes"><button class="primary">Complete authentication</button></form>
<p class="centre"><a href="{}">Fail authentication</a></p>{FOOTER}</main>"#,
        escape(action),
        escape(back),
    );
    html_page(StatusCode::OK, "Confirm your payment", "narrow", &body)
}
