//! Files that a user downloads: their data, and the results of a poll.

use app::polls::actions::{CsvFile, PollActionForm};
use app::visit::Visit;
use app::{polls, settings};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{StatusCode, Uri, header};

use crate::forms::show_again;
use crate::state::AppState;

/// `GET /settings/data`.
pub async fn account_data(Extension(visit): Extension<Visit>) -> Response {
    match settings::queries::export(&visit).await {
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

/// `GET /polls/{poll}/results.csv`. What is refused is shown on the poll's page.
pub async fn poll_results(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    Path(poll): Path<String>,
    mut parts: Parts,
) -> Response {
    match polls::actions::export(&visit, &poll).await {
        Ok(CsvFile { name, text }) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{name}\""),
                ),
            ];
            (headers, text).into_response()
        }
        Err(errors) => {
            let page = parts.uri.path().trim_end_matches("/results.csv").parse::<Uri>();
            if let Ok(page) = page {
                parts.uri = page;
            }
            show_again(state, parts, PollActionForm::default(), errors).await
        }
    }
}
