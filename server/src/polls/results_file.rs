//! `GET /polls/{poll}/results.csv`: the results of a poll, for its owner.

use app::polls::actions::{CsvFile, PollActionForm, export};
use app::request::RequestContext;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Uri, header};

use crate::http::forms::show_again;
use crate::state::AppState;

/// The results as a CSV file. An error is shown on the poll's page, with status 422.
pub async fn results_file(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    Path(poll): Path<String>,
    mut parts: Parts,
) -> Response {
    match export(&context, &poll).await {
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
