//! Every route and layer.

use std::time::Duration;

use any_spawner::Executor;
use app::{auth, billing as billing_pages, is_page, operations, page_paths, polls, privacy, settings, shell};
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{get, post};
use axum::{Router, middleware};
use backend::accounts::LoginCookies;
use http::{Request, StatusCode, Uri};
use leptos::prelude::{AnyView, IntoAny};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::csrf::CsrfLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::auth::mail_links;
use crate::http::forms::{form, form_of};
use crate::http::{BODY_MAX, QUALITY};
use crate::http::{
    access_log, assets, documents, failure_pages, feeds, health, local_guard, security, server_functions,
};
use crate::ingest::{self, ingest};
use crate::metrics;
use crate::request::{self, RouteGroup};
use crate::state::AppState;
use crate::{billing, polls as poll_routes, settings as settings_routes, timeline};

/// The longest time of a request; an upload to Amplitude has 10 s of its own.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Routes of the disturbance lab, by group; none outside of local mode.
#[derive(Default)]
pub struct LabRoutes {
    /// Forms of its page.
    pub mutations: Router<AppState>,
    /// Its API.
    pub programs: Router<AppState>,
    /// Its feed.
    pub feeds: Router<AppState>,
}

/// The whole site.
pub fn router(state: AppState, cookies: LoginCookies, lab: LabRoutes) -> Router {
    // Leptos spawns the tasks of a view on this executor. An error means that it is already set.
    let _ = Executor::init_tokio();
    // A document is rendered to the end before its first byte leaves: cookies and status can be set until then.
    let document = leptos_axum::render_app_async_with_context(|| {}, document(&state));
    let documents = page_paths()
        .fold(Router::new(), |routes, path| {
            routes.route(path, get(document.clone()))
        })
        .route("/verify/{secret}", get(mail_links::open_verify))
        .route("/reset/{secret}", get(mail_links::open_reset))
        .fallback(async move |request: Request<Body>| match page_of(request.uri()) {
            Some(page) => Redirect::permanent(&page).into_response(),
            None => document(request).await,
        })
        .layer(timeout());

    let mutations = Router::new()
        .route("/sign-up", form(auth::actions::sign_up))
        .route("/sign-in", form(auth::actions::sign_in))
        .route("/sign-out", form_of("/sign-in", auth::actions::sign_out))
        .route("/forgot", form(auth::actions::forgot))
        .route("/verify", form(auth::actions::verify))
        .route("/reset", form(auth::actions::reset))
        .route("/polls", form(polls::actions::manage_in_list))
        .route("/polls/new", form(polls::actions::create))
        .route("/polls/{poll}", form(polls::actions::manage))
        .route("/polls/{poll}/edit", form(polls::actions::edit))
        .route("/p/{poll}", form(polls::actions::vote))
        .route("/settings/email", form(settings::actions::change_email))
        .route("/settings/password", form(settings::actions::change_password))
        .route("/settings/delete", form(settings::actions::delete_account))
        .route(
            "/settings/verification",
            form_of("/settings", settings::actions::send_verification),
        )
        .route(
            "/settings/logins",
            form_of("/settings", settings::actions::end_logins),
        )
        .route("/privacy", form(privacy::actions::choose))
        .route("/pricing", form(billing_pages::actions::start_checkout))
        .route("/billing", form(billing_pages::actions::change))
        .route("/operations", form(operations::actions::act))
        .merge(lab.mutations)
        .merge(server_functions::routes())
        .layer(timeout());

    let programs = Router::new()
        .route("/settings/data", get(settings_routes::account_data))
        .route("/polls/{poll}/results.csv", get(poll_routes::results_file))
        .route("/timeline/verdict", get(timeline::verdict))
        .route("/timeline/export", get(timeline::export))
        .merge(lab.programs)
        .layer(timeout());
    let feeds = Router::new()
        .route("/timeline/live", get(timeline::live))
        .route("/billing/live", get(billing::live))
        .route("/p/{poll}/live", get(poll_routes::live))
        .merge(lab.feeds)
        .layer(middleware::from_fn_with_state(
            (state.feeds.clone(), state.metrics.clone()),
            feeds::limit,
        ));
    let browser_events = Router::new()
        .route("/ingest", post(ingest))
        .layer(DefaultBodyLimit::max(ingest::MAX_BYTES))
        .layer(timeout());
    let background = programs.merge(feeds).merge(browser_events);

    let visitors = Visitors::new(&state, cookies);
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .merge(webhooks())
        .merge(visitors.of(RouteGroup::Documents, documents))
        .merge(visitors.of(RouteGroup::Mutations, mutations))
        .merge(visitors.of(RouteGroup::Background, background))
        .layer(middleware::from_fn(documents::compress))
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(QUALITY)))
        .merge(assets::routes(&state))
        // One layer of many: each layer of a router is a service of its own in each route, which every request copies.
        .layer(
            ServiceBuilder::new()
                .map_request(access_log::without_id)
                .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
                .layer(
                    TraceLayer::new_for_http()
                        .make_span_with(access_log::span)
                        .on_request(())
                        .on_response(access_log::responded)
                        .on_failure(()),
                )
                .layer(PropagateRequestIdLayer::x_request_id())
                .layer(middleware::from_fn_with_state(
                    state.metrics.clone(),
                    metrics::record,
                ))
                .layer(middleware::from_fn_with_state(state.clone(), security::headers))
                .layer(middleware::from_fn_with_state(
                    state.clone(),
                    failure_pages::pages,
                ))
                .layer(middleware::from_fn_with_state(state.clone(), local_guard::guard))
                .layer(RequestBodyTimeoutLayer::new(state.body_timeout))
                .map_request(|request: Request<_>| request.map(Body::new))
                .layer(CatchPanicLayer::custom(failure_pages::panicked)),
        )
        .with_state(state)
}

/// The page of a path that ends with a slash, with the query. `None` if there is none.
fn page_of(uri: &Uri) -> Option<String> {
    let path = uri.path().strip_suffix('/').filter(|path| is_page(path))?;
    Some(match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

/// Renders a page.
fn document(state: &AppState) -> impl Fn() -> AnyView + Clone + Send + Sync + 'static {
    let (options, assets) = (state.leptos.clone(), state.assets.clone());
    move || shell(options.clone(), assets.clone()).into_any()
}

fn timeout() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT)
}

/// The layers of routes that identify a visitor.
struct Visitors {
    state: AppState,
    logins: SessionManagerLayer<LoginCookies>,
}

impl Visitors {
    fn new(state: &AppState, cookies: LoginCookies) -> Self {
        Self {
            state: state.clone(),
            logins: SessionManagerLayer::new(cookies)
                .with_name(request::login_cookie_name(state.site.secure()))
                .with_same_site(SameSite::Lax)
                .with_secure(state.site.secure())
                .with_expiry(Expiry::OnInactivity(LoginCookies::IDLE)),
        }
    }

    /// Routes of a group: their requests create devices and extend sessions as the group says.
    fn of(&self, group: RouteGroup, routes: Router<AppState>) -> Router<AppState> {
        let state = || self.state.clone();
        routes.layer(
            ServiceBuilder::new()
                .layer(DefaultBodyLimit::max(BODY_MAX))
                .layer(CsrfLayer::new().with_rejection_response(security::refuse_cross_site))
                .layer(middleware::from_fn_with_state(
                    state(),
                    security::redirect_to_public_host,
                ))
                .layer(middleware::from_fn_with_state(
                    group,
                    request::no_cookies_in_background,
                ))
                .layer(self.logins.clone())
                .layer(middleware::from_fn_with_state(
                    (state(), group),
                    request::identify,
                )),
        )
    }
}

/// Routes that Stripe calls. They use no cookie and no login; the signature authenticates them.
fn webhooks() -> Router<AppState> {
    Router::new()
        .route("/webhooks/stripe", post(billing::webhook))
        .layer(DefaultBodyLimit::max(billing::MAX_BYTES))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            TIMEOUT,
        ))
}
