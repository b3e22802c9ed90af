//! Every route and layer.

use std::sync::LazyLock;
use std::time::Duration;

use app::{App, shell};
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};
use axum::{Extension, Router, middleware};
use backend::accounts::LoginCookies;
use http::{HeaderValue, StatusCode, header};
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use tower::ServiceBuilder;
use tower_governor::GovernorLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::ingest::{self, ingest};
use crate::state::AppState;
use crate::{
    billing, failures, forms, functions, health, lab, links, live, operations, poll_forms, poll_live, rate,
    security, settings, timeline, visit,
};

/// Forms and server functions are small.
pub const BODY_MAX: usize = 64 * 1024;

/// Nothing of ours takes longer; an upload to Amplitude has 10 s of its own.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The pages' routes. Listed once in a process: while they are, no resource of any page loads, and one that is asked for
/// just then never does (leptos_server, `SuppressResourceLoad`). Two servers in one process would hang each other's pages.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// The whole site.
pub fn router(state: AppState, cookies: LoginCookies) -> Router {
    let logins = SessionManagerLayer::new(cookies)
        .with_name(visit::LOGIN_COOKIE)
        .with_same_site(SameSite::Lax)
        .with_secure(state.site.secure())
        .with_expiry(Expiry::OnInactivity(LoginCookies::IDLE));
    let document_options = state.leptos.clone();
    let missing_options = state.leptos.clone();

    // A site that sends its mails has no page that shows them, and the lab and the walk are for local mode alone.
    let is_mounted = |page: &&AxumRouteListing| match page.path() {
        "/mailbox" => state.backend.mailbox.is_some(),
        "/lab" => state.lab.is_some(),
        "/walk" => state.site.local_mode,
        _ => true,
    };
    let pages = PAGES.iter().filter(is_mounted).cloned().collect::<Vec<_>>();

    let browser_events = Router::new()
        .route("/ingest", post(ingest))
        .layer(DefaultBodyLimit::max(ingest::MAX_BYTES))
        .layer(GovernorLayer::new(rate::ingest()).error_handler(rate::refusal));
    let visitors = Router::new()
        .leptos_routes(&state, pages, move || shell(document_options.clone()))
        .route("/api/{*name}", any(functions::unknown))
        .route("/sign-up", post(forms::sign_up))
        .route("/sign-in", post(forms::sign_in))
        .route("/sign-out", post(forms::sign_out))
        .route("/polls", post(poll_forms::list))
        .route("/polls/new", post(poll_forms::create))
        .route("/polls/{poll}", post(poll_forms::manage))
        .route("/polls/{poll}/edit", post(poll_forms::edit))
        .route("/p/{poll}", post(poll_forms::vote))
        .route("/forgot", post(links::forgot))
        .route("/verify/{secret}", get(links::open_verify))
        .route("/verify", post(links::verify))
        .route("/reset/{secret}", get(links::open_reset))
        .route("/reset", post(links::reset))
        .route("/settings/email", post(settings::change_email))
        .route("/settings/password", post(settings::change_password))
        .route("/settings/delete", post(settings::delete_account))
        .route("/settings/verification", post(settings::send_verification))
        .route("/settings/logins", post(settings::end_logins))
        .route("/settings/data", get(settings::data))
        .route("/privacy", post(forms::privacy))
        .route("/pricing", post(billing::checkout))
        .route("/billing", post(billing::change))
        .route("/operations", post(operations::act))
        .route("/timeline/verdict", get(timeline::verdict))
        .route("/timeline/export", get(timeline::export))
        .layer(middleware::from_fn(functions::answer))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            TIMEOUT,
        ))
        .route("/timeline/live", get(live::live))
        .route("/billing/live", get(billing::live))
        .route("/p/{poll}/live", get(poll_live::live))
        .merge(disturbance_lab(&state))
        .merge(browser_events)
        .fallback(leptos_axum::render_app_async_with_context(not_found, move || {
            shell(missing_options.clone())
        }))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(
            ServiceBuilder::new()
                .layer(CsrfLayer::new().with_rejection_response(security::foreign))
                .layer(middleware::from_fn_with_state(state.clone(), security::one_name))
                .layer(middleware::from_fn(visit::quiet))
                .layer(logins)
                .layer(middleware::from_fn_with_state(state.clone(), visit::visit)),
        );

    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .merge(webhooks())
        .merge(assets(&state))
        .merge(visitors)
        .layer(CatchPanicLayer::custom(failures::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), failures::pages))
        .layer(middleware::from_fn_with_state(state.clone(), security::headers))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http().make_span_with(security::span))
        .with_state(state)
}

/// Beside the lab's page, where there is one.
fn disturbance_lab(state: &AppState) -> Router<AppState> {
    match &state.lab {
        None => Router::new(),
        Some(lab) => Router::new()
            .route("/lab", post(lab::run_form))
            .route("/lab/runs", post(lab::start))
            .route("/lab/results", get(lab::results))
            .route("/lab/live", get(lab::live))
            .layer(Extension(lab.clone())),
    }
}

/// What Stripe calls. It is no visitor: no cookie, no login, no page of another site to keep out; its signature says who
/// it is.
fn webhooks() -> Router<AppState> {
    Router::new()
        .route("/webhooks/stripe", post(billing::webhook))
        .layer(DefaultBodyLimit::max(billing::MAX_BYTES))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            TIMEOUT,
        ))
}

/// Files of the build. They know no visitor, so they pass by the login and identity layers.
fn assets(state: &AppState) -> Router<AppState> {
    let root = state.leptos.site_root.to_string();
    let folder = |name: &str| {
        ServeDir::new(format!("{root}/{name}"))
            .precompressed_br()
            .precompressed_gzip()
    };
    let file = |name: &str| ServeFile::new(format!("{root}/{name}"));
    // Their names stay when their content changes: the browser asks each time, and mostly hears 304.
    let revalidate = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, no-cache"),
    );
    Router::new()
        .nest_service("/pkg", folder("pkg"))
        .nest_service("/vendor", folder("vendor"))
        .route_service("/seam.js", file("seam.js"))
        .route_service("/favicon.svg", file("favicon.svg"))
        .layer(revalidate)
}

fn not_found() {
    if let Some(answer) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
        answer.set_status(StatusCode::NOT_FOUND);
    }
}
