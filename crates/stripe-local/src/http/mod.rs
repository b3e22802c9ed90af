//! All HTTP routes, on one screen. The handlers are in the submodules.

mod api;
mod base_url;
mod control;
mod pages;
mod responses;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{Method, Uri},
    middleware::{self, Next},
    response::Response,
    routing::{any, get, post},
};
use local_service::{
    guard::{check_host, check_write_origin},
    serve::run_to_completion,
};

use crate::{api_error::ApiError, stand_in::StripeStandIn};
use responses::{MAX_BODY_BYTES, error_response, forbidden};

impl StripeStandIn {
    /// All routes: the API, the hosted pages, `/_sim/` and the control page. Only requests for loopback host names are
    /// accepted.
    ///
    /// Each request runs the due steps first. Between requests, and to deliver webhooks, `serve` is needed.
    pub fn router(&self) -> Router {
        router(self.clone())
    }
}

fn router(stand_in: StripeStandIn) -> Router {
    Router::new()
        .route("/v1/{*path}", any(api::handle))
        .route(
            "/c/pay/{session}",
            get(pages::checkout::show).post(pages::checkout::submit),
        )
        .route("/p/session/{session}", get(pages::portal::show))
        .route(
            "/p/session/{session}/cancel/{subscription}",
            get(pages::portal::show_cancel).post(pages::portal::cancel),
        )
        .route(
            "/p/session/{session}/renew/{subscription}",
            post(pages::portal::renew),
        )
        .route(
            "/p/session/{session}/card",
            get(pages::portal::show_card).post(pages::portal::update_card),
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
        .route("/_sim/charges/{charge}/dispute", post(control::open_dispute))
        .route("/_sim/disputes/{dispute}/close", post(control::close_dispute))
        .route("/_sim/reset", post(control::reset))
        .route("/", get(pages::index::show))
        .fallback(unknown_path)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(run_to_completion))
        .layer(middleware::from_fn(guard))
        .with_state(stand_in)
}

/// Rejects requests for another host, and cross-site writes.
async fn guard(request: Request, next: Next) -> Response {
    match check_host(&request).and_then(|()| check_write_origin(&request)) {
        Ok(()) => next.run(request).await,
        Err(error) => forbidden(error.to_string()),
    }
}

async fn unknown_path(method: Method, uri: Uri) -> Response {
    error_response(&ApiError::unknown_route(method.as_str(), uri.path()))
}
