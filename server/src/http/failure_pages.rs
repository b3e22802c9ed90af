//! Error pages: a browser that opened a page or sent a form gets a page that describes the error; other clients get its
//! sentence as text. Responses that are pages of the app already stay unchanged.

use std::any::Any;

use app::assets::Assets;
use app::{Failure, failure_page};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, StatusCode, header};

/// The Content-Security-Policy of an error page: a stylesheet and an icon.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The most bytes of a sentence that is shown. Ours are shorter.
const SENTENCE_MAX: usize = 1_000;

/// The response of a handler that panicked. Only the log has the panic's message.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    let (_, sentence) = default_texts(StatusCode::INTERNAL_SERVER_ERROR);
    (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response()
}

/// Turns an error without a page into an error page, if the client accepts HTML.
pub async fn pages(State(assets): State<Assets>, request: Request<Body>, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT);
    let accepts_html =
        accept.is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    let response = next.run(request).await;
    if accepts_html && has_no_page(&response) {
        with_page(response, &assets).await
    } else {
        response
    }
}

/// Whether the response is an error whose body is text or empty.
fn has_no_page(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    (status.is_client_error() || status.is_server_error())
        && kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

async fn with_page(response: Response, assets: &Assets) -> Response {
    let (mut parts, body) = response.into_parts();
    let text: Bytes = to_bytes(body, SENTENCE_MAX).await.unwrap_or_default();
    let (title, default) = default_texts(parts.status);
    // Libraries write their texts for programmers. Ours are sentences.
    let sentence = std::str::from_utf8(&text).ok().filter(|text| text.ends_with('.'));
    let page = failure_page(Failure {
        title,
        sentence: sentence.unwrap_or(default),
        assets,
    });
    parts.headers.remove(header::CONTENT_LENGTH);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    Response::from_parts(parts, page.into())
}

/// The title of a status, and its sentence where the response has none.
fn default_texts(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => ("Page not found", "The link may be old, or the address mistyped."),
        StatusCode::FORBIDDEN => (
            "Cross-site request blocked",
            "The request came from a page of another site.",
        ),
        StatusCode::MISDIRECTED_REQUEST => (
            "Address not served",
            "This server does not answer under this address.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "Method not allowed",
            "This address is not a page that can be opened. Nothing was changed.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "Too large",
            "The request is larger than we accept, so nothing was changed. Go back: your input should still be there.",
        ),
        StatusCode::TOO_MANY_REQUESTS => ("Too many requests", "Please wait a moment and try again."),
        StatusCode::SERVICE_UNAVAILABLE => ("Temporarily unavailable", "Please try again in a moment."),
        StatusCode::GATEWAY_TIMEOUT => (
            "Request timed out",
            "The request took too long. Your change may have been saved: please check before you try again.",
        ),
        status if status.is_server_error() => (
            "Something went wrong",
            "An error occurred on our side, and we have logged it. Your change may not have been saved: please check before you try again.",
        ),
        _ => (
            "Invalid request",
            "The request could not be read, so nothing was changed.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use axum::{Router, middleware};
    use leptos::prelude::*;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

    #[component]
    fn Broken() -> impl IntoView {
        if use_context::<()>().is_none() {
            panic!("the secret reason");
        }
    }

    async fn answer(path: &str, accept: &str) -> (StatusCode, String, String) {
        let assets = Assets::of_build("1");
        let site = Router::new()
            .route(
                "/handler",
                get(async || -> StatusCode { panic!("the secret reason") }),
            )
            .route(
                "/page",
                get(leptos_axum::render_app_async(|| view! { <Broken /> })),
            )
            .route(
                "/away",
                get(async || (StatusCode::SERVICE_UNAVAILABLE, "The database is away. <b>")),
            )
            .route(
                "/said",
                get(async || (StatusCode::FORBIDDEN, "Not from another <site>.")),
            )
            .route("/bare", get(async || StatusCode::IM_A_TEAPOT))
            .route("/fine", get(async || "fine"))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn_with_state(assets, pages));
        let request = Request::builder()
            .uri(path)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .unwrap();
        let response = site.oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let body = to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_browser_gets_a_page_without_the_reason() {
        for (path, status, expected) in [
            ("/handler", 500, "<h1>Something went wrong<"),
            ("/page", 500, "<h1>Something went wrong<"),
            ("/away", 503, "Please try again in a moment."),
            ("/said", 403, "Not from another &lt;site&gt;."),
            ("/bare", 418, "<h1>Invalid request<"),
        ] {
            let (answered, kind, text) = answer(path, BROWSER).await;
            assert_eq!(
                (answered.as_u16(), kind.as_str()),
                (status, "text/html; charset=utf-8"),
                "{path}"
            );
            assert!(text.contains(expected), "{path}: {text}");
            assert!(
                !text.contains("secret") && !text.contains("<b>"),
                "{path}: {text}"
            );
        }
        assert_eq!(answer("/fine", BROWSER).await.2, "fine");
    }

    #[tokio::test]
    async fn a_program_gets_the_sentence() {
        let (status, kind, text) = answer("/handler", "application/json").await;
        assert_eq!(
            (status.as_u16(), kind.as_str()),
            (500, "text/plain; charset=utf-8")
        );
        assert!(
            text.starts_with("An error occurred on our side") && !text.contains("secret"),
            "{text}"
        );
        assert_eq!(answer("/said", "*/*").await.2, "Not from another <site>.");
    }
}
