//! Form posts: how everything works without script. Each form posts to its page's own path; the answer is a redirect,
//! or the page itself with status 422, the faults at the fields and what was typed still in them; 500 where the fault is ours.

use app::forms::FailedForm;
use app::visit::Visit;
use app::{auth, privacy, shell};
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use forms::{Faults, Field, Problem, Secret, SignInForm, SignUpForm};
use http::request::Parts;
use http::{Method, Request, StatusCode, header};
use serde::Serialize;
use tracking::Choice;
use url::form_urlencoded;
use uuid::Uuid;

use crate::state::AppState;

/// `POST /sign-up`.
pub async fn sign_up(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let form = SignUpForm {
        email: pairs.text("email"),
        password: Secret::new(pairs.text("password")),
    };
    match auth::verbs::sign_up(&visit, &form, next(query.as_deref()).as_deref()).await {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(faults) => {
            show_again(
                state,
                parts,
                SignUpForm {
                    password: Secret::default(),
                    ..form
                },
                faults,
                None,
            )
            .await
        }
    }
}

/// `POST /sign-in`.
pub async fn sign_in(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let form = SignInForm {
        email: pairs.text("email"),
        password: Secret::new(pairs.text("password")),
    };
    match auth::verbs::sign_in(&visit, &form, next(query.as_deref()).as_deref()).await {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(faults) => {
            show_again(
                state,
                parts,
                SignInForm {
                    password: Secret::default(),
                    ..form
                },
                faults,
                None,
            )
            .await
        }
    }
}

/// `POST /sign-out`. It has no page of its own; when it fails, the sign-in page says so.
pub async fn sign_out(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    mut parts: Parts,
) -> Response {
    match auth::verbs::sign_out(&visit).await {
        Ok(path) => Redirect::to(path).into_response(),
        Err(faults) => {
            parts.uri = http::Uri::from_static("/sign-in");
            show_again(state, parts, SignInForm::default(), faults, None).await
        }
    }
}

/// `POST /privacy`: the choice about tracking, from the page or from the question below any page.
pub async fn privacy(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let choice = Choice::parse(&pairs.text("choice"));
    let back = Some(pairs.text("back")).filter(|back| !back.is_empty());
    match privacy::verbs::choose(&visit, choice, back.as_deref()).await {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(faults) => show_again(state, parts, (), faults, None).await,
    }
}

/// Where to go afterwards, as the page's URL has it.
fn next(query: Option<&str>) -> Option<String> {
    form_urlencoded::parse(query?.as_bytes())
        .find(|(key, _)| key == "next")
        .map(|(_, value)| value.into_owned())
}

/// The page that the form is on, as the answer to its post.
pub(crate) async fn show_again(
    state: AppState,
    parts: Parts,
    typed: impl Serialize,
    faults: Faults,
    form: Option<Uuid>,
) -> Response {
    let status = match faults.at(Field::Form) {
        Some(Problem::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let failed = FailedForm {
        typed: serde_json::to_value(typed).unwrap_or_default(),
        faults,
        form,
    };
    let mut parts = parts;
    parts.method = Method::GET;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    parts.extensions.insert(failed);
    let options = state.leptos.clone();
    let render = leptos_axum::render_app_async_with_context(|| {}, move || shell(options.clone()));
    let mut response = render(Request::from_parts(parts, Body::empty())).await;
    if response.status().is_success() {
        *response.status_mut() = status;
    }
    response
}

/// The pairs of an `application/x-www-form-urlencoded` body. Whatever does not parse is not there: the form's own check
/// then says which field is missing.
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(crate) fn read(body: &str) -> Self {
        Self(form_urlencoded::parse(body.as_bytes()).into_owned().collect())
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }

    /// Each of that name, in order.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// Whether there is one of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}
