//! Form posts. A form posts to its page's own path; the response is a redirect to the next page, or the page itself with
//! status 422, the errors at the fields and the input still in them. 500 means an error of the server.

use app::document::FormInput;
use app::request::RequestContext;
use app::shell;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, RawPathParams, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, post};
use forms::{Field, FieldError, FieldErrors};
use http::request::Parts;
use http::{Method, Request, StatusCode, Uri, header};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::state::AppState;

/// A form whose errors are shown on the page that it posts to. `action` returns the path of the next page.
pub fn form<Input, Action, Answer>(action: Action) -> MethodRouter<AppState>
where
    Input: DeserializeOwned + Clone + Send + Sync + 'static,
    Action: Fn(RequestContext, Input) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<String, FieldErrors>> + Send,
{
    answered_by(action, None)
}

/// A form without a page of its own: its errors are shown on `page`.
pub fn form_of<Input, Action, Answer>(page: &'static str, action: Action) -> MethodRouter<AppState>
where
    Input: DeserializeOwned + Clone + Send + Sync + 'static,
    Action: Fn(RequestContext, Input) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<String, FieldErrors>> + Send,
{
    answered_by(action, Some(page))
}

fn answered_by<Input, Action, Answer>(action: Action, page: Option<&'static str>) -> MethodRouter<AppState>
where
    Input: DeserializeOwned + Clone + Send + Sync + 'static,
    Action: Fn(RequestContext, Input) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<String, FieldErrors>> + Send,
{
    post(
        async move |State(state): State<AppState>,
                    Extension(context): Extension<RequestContext>,
                    path: RawPathParams,
                    mut parts: Parts,
                    body: Bytes| {
            let Some(input) = decode::<Input>(&path, &parts.uri, &body) else {
                let sentence = "The form could not be read, so nothing was changed. Please reload its page.";
                return (StatusCode::BAD_REQUEST, sentence).into_response();
            };
            match action(context, input.clone()).await {
                Ok(path) => Redirect::to(&path).into_response(),
                Err(errors) => {
                    if let Some(page) = page {
                        parts.uri = Uri::from_static(page);
                    }
                    show_again(state, parts, input, errors).await
                }
            }
        },
    )
}

/// The fields of a form: those of the body, the parameters of the path, and `next` of the query. `None` if a field of one
/// value has several, or a value cannot be parsed.
fn decode<Input: DeserializeOwned>(path: &RawPathParams, uri: &Uri, body: &[u8]) -> Option<Input> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let next = query.filter(|(key, _)| key == "next").take(1);
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(path).extend_pairs(next);
    let mut text = pairs.finish().into_bytes();
    text.push(b'&');
    text.extend_from_slice(body);
    serde_html_form::from_bytes(&text).ok()
}

/// The form's page, with the errors and the input.
pub(crate) async fn show_again<Input: Clone + Send + Sync + 'static>(
    state: AppState,
    mut parts: Parts,
    input: Input,
    errors: FieldErrors,
) -> Response {
    let retry_after_secs = errors.at(Field::FORM).and_then(FieldError::retry_after_secs);
    let status = match errors.at(Field::FORM) {
        Some(FieldError::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        _ if retry_after_secs.is_some() => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    parts.method = Method::GET;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    parts.extensions.insert(errors.clone());
    parts.extensions.insert(FormInput { input, errors });
    let (options, assets) = (state.leptos.clone(), state.assets.clone());
    let render =
        leptos_axum::render_app_async_with_context(|| {}, move || shell(options.clone(), assets.clone()));
    let mut response = render(Request::from_parts(parts, Body::empty())).await;
    if response.status().is_success() {
        *response.status_mut() = status;
        if let Some(secs) = retry_after_secs {
            response.headers_mut().insert(header::RETRY_AFTER, secs.into());
        }
    }
    response
}
