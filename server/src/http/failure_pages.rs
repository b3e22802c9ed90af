//! Failures as somebody meets them: whoever opened a page or sent a form gets a page that says what happened; programs get
//! the sentence alone. Pages of the app that carry a fault themselves stay as they are.

use std::any::Any;

use app::assets::Assets;
use app::{Failure, failure_page};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, StatusCode, header};

/// The page's own policy: a stylesheet and an icon.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Longest sentence that is shown. Ours are shorter.
const SENTENCE_MAX: usize = 1_000;

/// The answer for a handler that panicked. Why is for the log alone.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let why = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(why, "a handler panicked");
    let (_, sentence) = words(StatusCode::INTERNAL_SERVER_ERROR);
    (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response()
}

/// Turns a bare failure into a page where somebody looks.
pub async fn pages(State(assets): State<Assets>, request: Request<Body>, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT);
    let looks = accept.is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    let response = next.run(request).await;
    if looks && is_bare(&response) {
        as_page(response, &assets).await
    } else {
        response
    }
}

/// A failure of a sentence or of nothing at all.
fn is_bare(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    (status.is_client_error() || status.is_server_error())
        && kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

async fn as_page(response: Response, assets: &Assets) -> Response {
    let (mut parts, body) = response.into_parts();
    let told: Bytes = to_bytes(body, SENTENCE_MAX).await.unwrap_or_default();
    let (title, usual) = words(parts.status);
    // What a library answers for us is written for programs.
    let ours = std::str::from_utf8(&told).ok().filter(|told| told.ends_with('.'));
    let page = failure_page(Failure {
        title,
        sentence: ours.unwrap_or(usual),
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

/// Title and usual sentence of a status.
fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => ("Page not found", "The link may be old, or the address mistyped."),
        StatusCode::FORBIDDEN => (
            "Cross-site request blocked",
            "This may not be done from where it was sent.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "Method not allowed",
            "This address is not a page that can be opened. Nothing was done.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "Too much at once",
            "What you sent is larger than we take, so nothing was done. Go back: what you typed should still be there.",
        ),
        StatusCode::TOO_MANY_REQUESTS => ("Too fast", "Please wait a moment and try again."),
        StatusCode::SERVICE_UNAVAILABLE => ("Back in a moment", "Please try again in a moment."),
        StatusCode::GATEWAY_TIMEOUT => (
            "This took too long",
            "We gave up waiting. What you did may have been done: please look before you do it again.",
        ),
        status if status.is_server_error() => (
            "Something broke on our side",
            "It is not your fault, and we have noted it. What you did may not have been done: please look before you do it again.",
        ),
        _ => (
            "This could not be done",
            "What was sent could not be read, so nothing was done.",
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
    async fn who_looks_gets_a_page_and_no_reason() {
        for (path, status, expected) in [
            ("/handler", 500, "<h1>Something broke on our side<"),
            ("/page", 500, "<h1>Something broke on our side<"),
            ("/away", 503, "Please try again in a moment."),
            ("/said", 403, "Not from another &lt;site&gt;."),
            ("/bare", 418, "<h1>This could not be done<"),
        ] {
            let (told, kind, text) = answer(path, BROWSER).await;
            assert_eq!(
                (told.as_u16(), kind.as_str()),
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
            text.starts_with("It is not your fault") && !text.contains("secret"),
            "{text}"
        );
        assert_eq!(answer("/said", "*/*").await.2, "Not from another <site>.");
    }
}
