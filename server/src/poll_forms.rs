//! Form posts of polls: how everything about them works without script.

use app::polls::{ActionForm, verbs};
use app::visit::Visit;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use forms::{PollForm, VoteForm};
use http::header;
use http::request::Parts;
use uuid::Uuid;

use crate::forms::{Pairs, show_again};
use crate::state::AppState;

/// `POST /polls/new`.
pub async fn create(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let form = poll_form(&pairs);
    // A form without its ID was not made by our page; it is a form all the same.
    let id = Uuid::parse_str(&pairs.text("form")).unwrap_or_else(|_| backend::ids::random());
    match verbs::create(&visit, &form, id).await {
        Ok(_) => Redirect::to("/polls?done=created").into_response(),
        Err(faults) => show_again(state, parts, form, faults, Some(id)).await,
    }
}

/// `POST /polls/{poll}/edit`.
pub async fn edit(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    Path(poll): Path<String>,
    parts: Parts,
    body: String,
) -> Response {
    let form = poll_form(&Pairs::read(&body));
    match verbs::edit(&visit, &poll, &form).await {
        // It was edited, so it is an ID.
        Ok(_) => Redirect::to(&format!("/polls/{poll}?done=edited")).into_response(),
        Err(faults) => show_again(state, parts, form, faults, None).await,
    }
}

/// `POST /polls`: the list brings deleted polls back.
pub async fn list(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let form = action_form(&Pairs::read(&body));
    match verbs::act(&visit, &form).await {
        Ok(_) => Redirect::to("/polls?done=restored").into_response(),
        Err(faults) => show_again(state, with_deleted(parts, &form), form, faults, None).await,
    }
}

/// `POST /polls/{poll}`: close, delete, restore, export.
pub async fn manage(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    Path(poll): Path<String>,
    parts: Parts,
    body: String,
) -> Response {
    let form = ActionForm {
        poll: poll.clone(),
        ..action_form(&Pairs::read(&body))
    };
    if form.action == "export" {
        return match verbs::export(&visit, &poll).await {
            Ok(file) => {
                let name = format!("attachment; filename=\"{}\"", file.name);
                let headers = [
                    (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                    (header::CONTENT_DISPOSITION, name),
                ];
                (headers, file.csv).into_response()
            }
            Err(faults) => show_again(state, parts, form, faults, None).await,
        };
    }
    match verbs::act(&visit, &form).await {
        Ok(_) if form.action == "delete" => Redirect::to(&format!("/polls?deleted={poll}")).into_response(),
        Ok(_) if form.action == "close" => {
            Redirect::to(&format!("/polls/{poll}?done=closed")).into_response()
        }
        Ok(_) => Redirect::to(&format!("/polls/{poll}?done=restored")).into_response(),
        Err(faults) => show_again(state, parts, form, faults, None).await,
    }
}

/// `POST /p/{poll}`.
pub async fn vote(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    Path(poll): Path<String>,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let form = VoteForm {
        choices: pairs.all("choice"),
        revision: pairs.text("revision"),
    };
    match verbs::vote(&visit, &poll, &form).await {
        Ok(_) => Redirect::to(&format!("/p/{poll}")).into_response(),
        Err(faults) => show_again(state, parts, form, faults, None).await,
    }
}

fn poll_form(pairs: &Pairs) -> PollForm {
    PollForm {
        question: pairs.text("question"),
        options: pairs.all("option"),
        multiple_choice: pairs.has("multiple_choice"),
        closes_at: pairs.text("closes_at"),
    }
}

fn action_form(pairs: &Pairs) -> ActionForm {
    ActionForm {
        poll: pairs.text("poll"),
        action: pairs.text("action"),
    }
}

/// The list as it shows the button that was pressed.
fn with_deleted(mut parts: Parts, form: &ActionForm) -> Parts {
    if let Ok(poll) = Uuid::parse_str(&form.poll)
        && let Ok(uri) = format!("/polls?deleted={poll}").parse()
    {
        parts.uri = uri;
    }
    parts
}
