//! Form posts of the settings, and the download of one's data.

use app::settings::verbs;
use app::visit::Visit;
use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Redirect, Response};
use forms::{ChangeEmailForm, ChangePasswordForm, DeleteAccountForm, Faults, Secret};
use http::request::Parts;
use http::{StatusCode, Uri, header};
use uuid::Uuid;

use crate::forms::{Pairs, show_again};
use crate::state::AppState;

/// `POST /settings/email`.
pub async fn change_email(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let form = ChangeEmailForm {
        email: pairs.text("email"),
        present: Secret::new(pairs.text("present")),
    };
    match verbs::change_email(&visit, &form).await {
        Ok(path) => Redirect::to(path).into_response(),
        Err(faults) => {
            let typed = ChangeEmailForm {
                present: Secret::default(),
                ..form
            };
            show_again(state, parts, typed, faults, None).await
        }
    }
}

/// `POST /settings/password`.
pub async fn change_password(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let form = ChangePasswordForm {
        present: Secret::new(pairs.text("present")),
        password: Secret::new(pairs.text("password")),
    };
    match verbs::change_password(&visit, &form).await {
        Ok(path) => Redirect::to(path).into_response(),
        Err(faults) => show_again(state, parts, ChangePasswordForm::default(), faults, None).await,
    }
}

/// `POST /settings/delete`.
pub async fn delete_account(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let form = DeleteAccountForm {
        present: Secret::new(Pairs::read(&body).text("present")),
    };
    match verbs::delete_account(&visit, &form).await {
        Ok(path) => Redirect::to(path).into_response(),
        Err(faults) => show_again(state, parts, DeleteAccountForm::default(), faults, None).await,
    }
}

/// `POST /settings/verification`: a button of the overview.
pub async fn send_verification(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
) -> Response {
    let sent = verbs::send_verification(&visit).await;
    to_overview(state, parts, sent).await
}

/// `POST /settings/logins`: ends one login, or all but this one.
pub async fn end_logins(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let which = match pairs.has("login").then(|| Uuid::parse_str(&pairs.text("login"))) {
        None => None,
        // Nobody's login, so nothing ends.
        Some(Err(_)) => Some(Uuid::nil()),
        Some(Ok(login)) => Some(login),
    };
    let ended = verbs::end_logins(&visit, which).await;
    to_overview(state, parts, ended).await
}

/// `GET /settings/data`: a file.
pub async fn data(Extension(visit): Extension<Visit>) -> Response {
    match verbs::export(&visit).await {
        Ok(Some(export)) => {
            let name = "attachment; filename=\"seamline.json\"";
            ([(header::CONTENT_DISPOSITION, name)], Json(export)).into_response()
        }
        Ok(None) => Redirect::to("/sign-in?next=/settings").into_response(),
        Err(_) => {
            let sentence = "Your data cannot be read right now. Please try again.";
            (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response()
        }
    }
}

/// Buttons of the overview have no page of their own.
async fn to_overview(state: AppState, mut parts: Parts, done: Result<&'static str, Faults>) -> Response {
    match done {
        Ok(path) => Redirect::to(path).into_response(),
        Err(faults) => {
            parts.uri = Uri::from_static("/settings");
            show_again(state, parts, (), faults, None).await
        }
    }
}
