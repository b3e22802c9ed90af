//! The hosted Checkout page: its two routes.

mod page;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    card_form::{FormFieldError, card_form, confirmation_page, field, hidden_card},
    closed_page, error_page, escape,
};
use crate::{
    api_error::ApiError,
    engine::{CardForm, Cause},
    form,
    records::{CheckoutSessionRecord, CheckoutStatus},
    stand_in::StripeStandIn,
};
use page::{CheckoutPage, checkout_page, open_session_page};

/// The longest email address.
const MAX_EMAIL_CHARS: usize = 254;

/// `GET /c/pay/{session}`
pub(crate) async fn show(State(stand_in): State<StripeStandIn>, Path(id): Path<String>) -> Response {
    let result = stand_in
        .run(String::new(), Cause::default(), move |operation| {
            let session = operation.find::<CheckoutSessionRecord>("checkout.session", &id, "id")?;
            Ok(checkout_page(operation, session))
        })
        .await;
    match result {
        Ok(page) => session_page(&page, "", &CardForm::default(), None),
        Err(error) => error_page(&error),
    }
}

fn session_page(
    page: &CheckoutPage,
    email: &str,
    card: &CardForm,
    error: Option<&FormFieldError>,
) -> Response {
    let session = &page.session;
    match session.status {
        CheckoutStatus::Open => open_session_page(page, email, card, error),
        CheckoutStatus::Complete => closed_page(
            "You’re all done here",
            "This Checkout session is complete.",
            Some(&success_url(session)),
        ),
        CheckoutStatus::Expired => closed_page(
            "This link has expired",
            "The page that you are looking for is no longer available.",
            session.cancel_url.as_deref(),
        ),
    }
}

/// `POST /c/pay/{session}`
pub(crate) async fn submit(
    State(stand_in): State<StripeStandIn>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let form = form::fields(&body);
    let typed_email = field(&form, "email");
    let card = card_form(&body);
    let (email, card_fields) = (typed_email.clone(), card.clone());
    let result = stand_in
        .run(String::new(), Cause::default(), move |operation| {
            let session = operation.find::<CheckoutSessionRecord>("checkout.session", &id, "id")?;
            let page = checkout_page(operation, session);
            if page.session.status != CheckoutStatus::Open {
                let session = page.session.clone();
                return Ok((page, Ok(session)));
            }
            // A declined card leaves no objects behind.
            let outcome = operation.attempt_or_undo(|operation| {
                let email = parse_email(&page, &email)?;
                let card = page.session.needs_card().then_some(&card_fields);
                operation.complete_checkout(&page.session, email, card)
            });
            Ok((page, outcome))
        })
        .await;
    match result {
        Ok((_, Ok(done))) if done.status == CheckoutStatus::Complete => {
            Redirect::to(&success_url(&done)).into_response()
        }
        Ok((page, Ok(_))) => session_page(&page, &typed_email, &card, None),
        Ok((page, Err(error))) if error.needs_confirmation() => {
            let path = format!("/c/pay/{}", page.session.id);
            let hidden = format!(
                "<input type=\"hidden\" name=\"email\" value=\"{}\">{}",
                escape(&typed_email),
                hidden_card(&card)
            );
            confirmation_page(&path, &path, &hidden)
        }
        Ok((page, Err(error))) => session_page(
            &page,
            &typed_email,
            &card,
            Some(&FormFieldError::from_api_error(&error)),
        ),
        Err(error) => error_page(&error),
    }
}

/// The email address of the form, or `None` if the customer's address is known. Fails if it is not valid.
fn parse_email(page: &CheckoutPage, typed_email: &str) -> Result<Option<String>, ApiError> {
    if page.email.is_some() {
        return Ok(None);
    }
    let is_valid = typed_email.chars().count() <= MAX_EMAIL_CHARS
        && !typed_email.contains(char::is_whitespace)
        && typed_email
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if is_valid {
        Ok(Some(typed_email.to_owned()))
    } else {
        Err(ApiError::invalid_parameter("email", "Your email is invalid."))
    }
}

fn success_url(session: &CheckoutSessionRecord) -> String {
    session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id)
}
