//! `GET /settings/data`: the download of the user's own data.

use app::request::RequestContext;
use app::settings;
use axum::Json;
use axum::extract::Extension;
use axum::response::{IntoResponse, Redirect, Response};
use http::{StatusCode, header};

/// JSON as a file; 303 to sign-in without a login; 500 if the data cannot be read.
pub async fn account_data(Extension(context): Extension<RequestContext>) -> Response {
    match settings::queries::export(&context).await {
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
