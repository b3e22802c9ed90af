//! The hosted Checkout page: e-mail, card or none, pay, leave.

mod view;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{Fault, card_form, closed_page, confirmation, escape, field, hidden_card, notice};
use crate::{
    engine::{CardForm, Cause},
    failure::Failure,
    form,
    stripe::Stripe,
    world::{CheckoutSession, CheckoutStatus},
};
use view::{View, open_page, view};

/// Most characters of an e-mail address.
const MOST_EMAIL_CHARS: usize = 254;

/// `GET /c/pay/{session}`
pub(crate) async fn show(State(stripe): State<Stripe>, Path(id): Path<String>) -> Response {
    let found = stripe
        .run(String::new(), Cause::default(), move |work| {
            let session = work.find::<CheckoutSession>("checkout.session", &id, "id")?;
            Ok(view(work, session))
        })
        .await;
    match found {
        Ok(view) => answer(&view, "", &CardForm::default(), None),
        Err(failure) => notice(&failure),
    }
}

fn answer(view: &View, email: &str, card: &CardForm, fault: Option<&Fault>) -> Response {
    let session = &view.session;
    match session.status {
        CheckoutStatus::Open => open_page(view, email, card, fault),
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
pub(crate) async fn submit(State(stripe): State<Stripe>, Path(id): Path<String>, body: String) -> Response {
    let form = form::parse(&body);
    let typed = field(&form, "email");
    let card = card_form(&body);
    let (email, given) = (typed.clone(), card.clone());
    let found = stripe
        .run(String::new(), Cause::default(), move |work| {
            let session = work.find::<CheckoutSession>("checkout.session", &id, "id")?;
            let view = view(work, session);
            if view.session.status != CheckoutStatus::Open {
                let session = view.session.clone();
                return Ok((view, Ok(session)));
            }
            // A card that was refused leaves nothing behind.
            let outcome = work.attempt(|work| {
                let email = check_email(&view, &email)?;
                let card = view.session.needs_card().then_some(&given);
                work.complete_checkout(&view.session, email, card)
            });
            Ok((view, outcome))
        })
        .await;
    match found {
        Ok((_, Ok(done))) if done.status == CheckoutStatus::Complete => {
            Redirect::to(&success_url(&done)).into_response()
        }
        Ok((view, Ok(_))) => answer(&view, &typed, &card, None),
        Ok((view, Err(failure))) if failure.asks_for_confirmation() => {
            let path = format!("/c/pay/{}", view.session.id);
            let hidden = format!(
                "<input type=\"hidden\" name=\"email\" value=\"{}\">{}",
                escape(&typed),
                hidden_card(&card)
            );
            confirmation(&path, &path, &hidden)
        }
        Ok((view, Err(failure))) => answer(&view, &typed, &card, Some(&Fault::of(&failure))),
        Err(failure) => notice(&failure),
    }
}

/// The address that was typed, if the page asked for one.
fn check_email(view: &View, typed: &str) -> Result<Option<String>, Failure> {
    if view.email.is_some() {
        return Ok(None);
    }
    let fits = typed.chars().count() <= MOST_EMAIL_CHARS
        && !typed.contains(char::is_whitespace)
        && typed
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if fits {
        Ok(Some(typed.to_owned()))
    } else {
        Err(Failure::parameter("email", "Your email is invalid."))
    }
}

fn success_url(session: &CheckoutSession) -> String {
    session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id)
}
