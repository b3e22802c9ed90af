//! A document: the answer to one request for a page, rendered by the server to the end.
//!
//! This module does not run in the browser. Interactive parts of a page are islands.

use std::error::Error;

use forms::FieldErrors;
use http::{HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use url::form_urlencoded;
use uuid::Uuid;

use crate::request::{self, RequestContext};

/// The view that `draw` returns for this request. Empty outside of a request. It is part of a page, and not of another
/// `document`: the shell waits for these only, and leaves out what is not ready.
pub(crate) fn document<Drawn>(draw: impl FnOnce(RequestContext) -> Drawn) -> AnyView
where
    Drawn: Future<Output = AnyView> + Send + 'static,
{
    request::current().map_or_else(|| ().into_any(), |context| Suspend::new(draw(context)).into_any())
}

/// A form that was posted and is shown again, with its errors. The server puts it into the extensions of the request that
/// renders the page.
#[derive(Clone, Debug, Default)]
pub struct FormInput<F> {
    /// The input that was sent. Passwords are never shown again.
    pub input: F,
    /// Its errors; empty if no form was sent.
    pub errors: FieldErrors,
}

/// The input of a form that is a button alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct NoInput {}

/// The form of this page: as it was posted where this document answers the post, else empty.
pub(crate) fn form_input<F: Clone + Default + Send + Sync + 'static>() -> FormInput<F> {
    request::with_parts(|parts| parts.extensions.get::<FormInput<F>>().cloned())
        .flatten()
        .unwrap_or_default()
}

/// The errors of the post that this document answers, whichever form of the page was sent.
pub(crate) fn form_errors() -> FieldErrors {
    request::with_parts(|parts| parts.extensions.get::<FieldErrors>().cloned())
        .flatten()
        .unwrap_or_default()
}

/// Whether the browser refuses cookies: it had none when it was led to this page, as `key` in the query says, and it has sent
/// none now.
pub(crate) fn are_cookies_off(key: &str) -> bool {
    query_value(key).is_some() && request::with_current(|context| context.has_cookies) != Some(true)
}

/// The path of this document. Empty outside of a request.
pub(crate) fn path() -> String {
    request::with_parts(|parts| parts.uri.path().to_owned()).unwrap_or_default()
}

/// The value of a key in this document's query.
pub(crate) fn query_value(key: &str) -> Option<String> {
    request::with_parts(|parts| {
        let query = parts.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.into_owned())
    })
    .flatten()
}

/// The ID of a rendered form. A form that is shown again keeps the ID that was sent with it; one that was sent without an
/// ID was not made by our page, and gets a new one.
pub(crate) fn form_id(sent: &str) -> Uuid {
    Uuid::parse_str(sent).unwrap_or_else(|_| backend::ids::random())
}

/// Sets the status of the response.
pub(crate) fn set_status(status: StatusCode) {
    if let Some(answer) = use_context::<ResponseOptions>() {
        answer.set_status(status);
    }
}

/// Sets the response to a redirect to `path`.
pub(crate) fn redirect(path: &str) {
    let Ok(location) = HeaderValue::from_str(path) else {
        tracing::error!("a redirect to a path that is no header");
        return set_status(StatusCode::INTERNAL_SERVER_ERROR);
    };
    if let Some(answer) = use_context::<ResponseOptions>() {
        answer.insert_header(header::LOCATION, location);
        answer.set_status(StatusCode::FOUND);
    }
}

/// The error of a page whose data cannot be read. Logs the reason, and sets the status 500.
pub(crate) fn unreadable(what: &'static str, error: &(dyn Error + 'static)) -> AnyView {
    tracing::error!(error, what, "cannot read what a page shows");
    set_status(StatusCode::INTERNAL_SERVER_ERROR);
    view! {
        <p class="error banner" role="alert">
            {what} " cannot be read right now. Please load the page again."
        </p>
    }
    .into_any()
}
