//! Compresses documents with zstd. A document is complete before its first byte leaves, so one call compresses it, with its size
//! known and a context that the thread keeps. The general layer compresses a body of unknown size, and makes a context of a
//! megabyte for each: on a short document that takes three times as long as the compression.
//!
//! All other responses, and documents for browsers without zstd, are left to that layer.

use std::cell::RefCell;

use axum::body::{Body, to_bytes};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use zstd::bulk::Compressor;

use super::QUALITY;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses the response if it is a document and the browser accepts zstd.
pub(crate) async fn compress(request: Request<Body>, next: Next) -> Response {
    let accepts_zstd = accepts_zstd(request.headers());
    let response = next.run(request).await;
    if !accepts_zstd || !is_document(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let html = match to_bytes(body, usize::MAX).await {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot render a document"
            );
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    match compressed(&html) {
        Ok(compressed) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            parts
                .headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
            parts
                .headers
                .append(header::VARY, HeaderValue::from_static("accept-encoding"));
            Response::from_parts(parts, compressed.into())
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot compress a document"
            );
            Response::from_parts(parts, html.into())
        }
    }
}

fn compressed(html: &[u8]) -> std::io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(QUALITY)?),
        };
        compressor.compress(html)
    })
}

fn is_document(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
        && !headers.contains_key(header::CONTENT_ENCODING)
}

/// Whether the browser names zstd without a weight, as browsers do. What weights mean is left to the general layer.
fn accepts_zstd(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| coding.trim().eq_ignore_ascii_case("zstd"))
}

#[cfg(test)]
mod tests {
    use axum::response::Html;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower::ServiceExt;

    use super::*;

    const TEXT: &str = "<p>Soup, soup, soup, soup, soup, soup, soup, soup</p>";

    async fn answer(path: &str, accept: &'static str) -> (Option<HeaderValue>, Vec<u8>) {
        let site = Router::new()
            .route("/page", get(async || Html(TEXT)))
            .route("/text", get(async || TEXT))
            .layer(middleware::from_fn(compress));
        let request = Request::get(path)
            .header(header::ACCEPT_ENCODING, accept)
            .body(Body::empty())
            .unwrap();
        let response = site.oneshot(request).await.unwrap();
        let coding = response.headers().get(header::CONTENT_ENCODING).cloned();
        assert_eq!(coding.is_some(), response.headers().contains_key(header::VARY));
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        (coding, body.to_vec())
    }

    #[tokio::test]
    async fn a_document_is_compressed_for_a_browser_that_accepts_zstd() {
        for _ in 0..2 {
            let (coding, body) = answer("/page", "gzip, deflate, br, zstd").await;
            assert_eq!(coding.unwrap(), "zstd");
            assert!(body.len() < TEXT.len());
            assert_eq!(zstd::decode_all(body.as_slice()).unwrap(), TEXT.as_bytes());
        }
        for (path, accept) in [
            ("/text", "zstd"),
            ("/page", "gzip, br"),
            ("/page", "br, zstd;q=0.5"),
        ] {
            let (coding, body) = answer(path, accept).await;
            assert_eq!(
                (coding, body.as_slice()),
                (None, TEXT.as_bytes()),
                "{path}, {accept}"
            );
        }
    }
}
