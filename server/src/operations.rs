//! `POST /operations`: what an operator asks for, with and without script alike. For everybody else it is a path that
//! leads nowhere.

use app::operations::{Action, WebhookState, may_operate, verbs};
use app::visit::Visit;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Redirect, Response};
use forms::Faults;
use http::request::Parts;

use crate::forms::{Pairs, show_again};
use crate::state::AppState;

/// See the module.
pub async fn act(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    if !may_operate(&visit) {
        // The page itself answers that it is not there.
        return show_again(state, parts, (), Faults::default(), None).await;
    }
    let pairs = Pairs::read(&body);
    let action = Action::parse(&pairs.text("action"));
    let shown = WebhookState::parse(&pairs.text("webhooks"));
    match verbs::act(&visit, action, &pairs.text("id"), shown).await {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(faults) => show_again(state, parts, (), faults, None).await,
    }
}
