//! Every route, in one screen.

mod api;
mod control;
mod pages;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use local_service::guard::{check_host, check_write_origin};
use serde_json::{Value, json};

use crate::{failure::Failure, stripe::Stripe};

/// The largest request body in bytes.
const LARGEST_BODY: usize = 1 << 20;

pub(crate) fn router(stripe: Stripe) -> Router {
    Router::new()
        .route("/v1/{*path}", any(api::handle))
        .route(
            "/c/pay/{session}",
            get(pages::checkout::show).post(pages::checkout::submit),
        )
        .route("/p/session/{session}", get(pages::portal::show))
        .route(
            "/p/session/{session}/cancel/{subscription}",
            get(pages::portal::ask_cancel).post(pages::portal::cancel),
        )
        .route(
            "/p/session/{session}/renew/{subscription}",
            post(pages::portal::renew),
        )
        .route(
            "/p/session/{session}/card",
            get(pages::portal::ask_card).post(pages::portal::update_card),
        )
        .route("/p/session/{session}/pay/{invoice}", post(pages::portal::pay))
        .route("/_sim/state", get(control::state))
        .route("/_sim/clock", get(control::clock).post(control::move_clock))
        .route(
            "/_sim/webhooks",
            get(control::webhooks).post(control::set_switches),
        )
        .route("/_sim/webhooks/resend", post(control::resend))
        .route("/_sim/webhooks/release", post(control::release))
        .route("/_sim/refunds/{refund}/fail", post(control::fail_refund))
        .route("/_sim/reset", post(control::reset))
        .route("/", get(pages::index::show))
        .fallback(unknown_path)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(guard))
        .with_state(stripe)
}

/// Rejects requests for another host, and cross-site writes.
async fn guard(request: Request, next: Next) -> Response {
    match check_host(&request).and_then(|()| check_write_origin(&request)) {
        Ok(()) => next.run(request).await,
        Err(error) => said(StatusCode::FORBIDDEN, error.to_string()),
    }
}

async fn unknown_path(method: axum::http::Method, uri: axum::http::Uri) -> Response {
    failed(&Failure::unknown_route(method.as_str(), uri.path()))
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn failed(failure: &Failure) -> Response {
    answered(failure.status, &failure.body())
}

/// A JSON answer, indented as Stripe's are.
fn answered(code: u16, body: &Value) -> Response {
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    (status(code), [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// An answer in this crate's own words, in Stripe's shape.
fn said(status: StatusCode, sentence: impl Into<String>) -> Response {
    let body = json!({"error": {"type": "invalid_request_error", "message": sentence.into()}});
    answered(status.as_u16(), &body)
}

/// The origin of hosted pages: as set, else `localhost` with the port that was asked. On a machine where the
/// application is `127.0.0.1` that is another site, as real Stripe is.
fn base_url(stripe: &Stripe, headers: &HeaderMap) -> String {
    if let Some(url) = &stripe.settings().public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    match host.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("http://localhost:{port}")
        }
        _ => "http://localhost".to_owned(),
    }
}
