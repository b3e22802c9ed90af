//! Links in mails: `GET /verify/<secret>` and `/reset/<secret>`, and the posts of the pages that they lead to.
//!
//! Opening a link uses nothing up, since programs that check mails open links too. It moves the secret into a cookie and
//! redirects to the page, so that no page's address holds it: the SDK would read it there, and tell Amplitude.

use app::auth::{LinkPage, link_verbs};
use app::visit::Visit;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use backend::accounts::links::LinkSecret;
use forms::{ForgotForm, ResetForm, Secret};
use http::request::Parts;

use crate::forms::{Pairs, show_again};
use crate::state::AppState;

/// `GET /verify/{secret}`.
pub async fn open_verify(Extension(visit): Extension<Visit>, Path(secret): Path<String>) -> Redirect {
    open(&visit, LinkPage::Verify, &secret);
    Redirect::to("/verify")
}

/// `GET /reset/{secret}`.
pub async fn open_reset(Extension(visit): Extension<Visit>, Path(secret): Path<String>) -> Redirect {
    open(&visit, LinkPage::Reset, &secret);
    Redirect::to("/reset")
}

/// What is no secret of ours takes an earlier one away, or its page would speak of another link.
fn open(visit: &Visit, page: LinkPage, secret: &str) {
    match LinkSecret::parse(secret) {
        Some(secret) => visit.link_opened(page, secret),
        None => visit.link_spent(page),
    }
}

/// `POST /verify`.
pub async fn verify(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
) -> Response {
    match link_verbs::verify(&visit).await {
        Ok(path) => Redirect::to(path).into_response(),
        Err(faults) => show_again(state, parts, (), faults, None).await,
    }
}

/// `POST /forgot`.
pub async fn forgot(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let form = ForgotForm {
        email: Pairs::read(&body).text("email"),
    };
    match link_verbs::forgot(&visit, &form).await {
        Ok(path) => Redirect::to(path).into_response(),
        Err(faults) => show_again(state, parts, form, faults, None).await,
    }
}

/// `POST /reset`.
pub async fn reset(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let form = ResetForm {
        password: Secret::new(Pairs::read(&body).text("password")),
    };
    match link_verbs::reset(&visit, &form).await {
        Ok(path) => Redirect::to(path).into_response(),
        Err(faults) => show_again(state, parts, ResetForm::default(), faults, None).await,
    }
}
