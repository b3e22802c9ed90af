//! The middleware that identifies a visitor: it reads the cookies, finds the login, puts a [`RequestContext`] into the
//! request, and writes the cookies of the response.
//!
//! The decisions are elsewhere: what a request may do is in `kind`, which device and session it has in `identity`, what
//! consent means in `tracking::consent`.

mod cookies;
#[cfg(test)]
mod fuzz;
mod identity;
mod kind;
mod origin;
mod previous;
pub(crate) mod signing;
mod touches;

use std::net::IpAddr;
use std::sync::Arc;

use app::request::RequestContext;
use app::tracking::boot::{self, Boot, ConfirmedEvent};
use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backend::accounts::{AccountError, CookieLogin, Login, LoginCookies};
use backend::timeline::QueryShare;
use backend::{NetworkKey, RequestOrigin, Visitor, ids};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use tower_sessions::{Expiry, Session};
use tracking::{Choice, Consent, DeviceId, IdSource, PresentIds, consent};
use uuid::Uuid;

use crate::http::client_address;
use crate::state::AppState;
use cookies::{CookieWriter, RequestCookies};
use identity::BrowserIdentity;
use kind::RequestKind;
use previous::PreviousDevice;
use touches::BrowserTouches;

pub use kind::RouteGroup;
pub use previous::EventSenders;

pub use cookies::login_cookie_name;

/// The header of a server function's response that carries the session, so that the SDK can follow it.
const SESSION_HEADER: HeaderName = HeaderName::from_static("x-seam-session");

/// Identifies the visitor, runs the handler, and writes the cookies of the response.
pub async fn identify(
    State((state, group)): State<(AppState, RouteGroup)>,
    cookie: Session,
    request: Request<Body>,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let (kind, refresh) = (group.kind(&parts), kind::is_refresh(&parts.uri));
    let mut request = Request::from_parts(parts, body);
    let mut cookies = RequestCookies::read(
        request.headers(),
        &state.site.public_key,
        state.site.secure(),
        &state.site.cookie_key,
    );
    let (login, presented) = match find_login(&state, &cookie, kind).await {
        Ok(found) => found,
        Err(error) => return unavailable(&error),
    };
    let ended = login.is_none() && cookies.login;
    let ended_login = presented.filter(|_| ended);
    let has_voter_token = cookies.voter.is_some();
    if ended {
        // Another user may use this browser now.
        cookies.voter = None;
    }
    let privacy_control = request.headers().get("sec-gpc").is_some_and(|value| value == "1");
    let account = login.as_ref().map(|login| login.user.consent);
    let consent = consent::effective(
        cookies.choice,
        account,
        privacy_control,
        state.site.consent_default,
    );
    let now_ms = state.backend.clock.now_ms();
    let identity = match consent {
        Consent::Granted => BrowserIdentity::of(kind, &cookies, ended, now_ms, || new_device(&state)),
        Consent::Denied => None,
    };

    let own_hosts = origin::own_hosts(&state);
    let touch = (kind == RequestKind::Document).then(|| origin::touch_of(&request));
    // A browser that gets a new device is another person.
    let known_touches = match &identity {
        Some(identity) if cookies.device.as_ref() == Some(&identity.device) => cookies.touches.clone(),
        _ => BrowserTouches::default(),
    };
    let new_touches = touch.zip(identity.as_ref()).and_then(|(touch, identity)| {
        known_touches.after(touch, &identity.device, identity.session, now_ms, &own_hosts)
    });

    let address = client_address::of_request(&request, &state.site.trusted_proxies);
    if kind != RequestKind::Background {
        record_sdk(&state, login.as_ref(), identity.as_ref(), address);
    }
    record_fired(&state, login.as_ref(), identity.as_ref(), &cookies, address);
    let visitor = Visitor {
        tracking: consent.is_granted().then(|| {
            identity
                .as_ref()
                .map_or(tracking::PresentIds::Unknown, BrowserIdentity::present_ids)
        }),
        choice: cookies.choice,
        privacy_control,
        voter: cookies.voter.clone(),
        known_accounts: cookies.known_accounts.clone(),
        address,
        user_agent: origin::truncated(request.headers(), header::USER_AGENT),
        origin: match kind {
            RequestKind::Mutation => origin::origin(&state, &request, identity.as_ref(), known_touches),
            RequestKind::Document | RequestKind::Background => RequestOrigin::default(),
        },
    };
    request.extensions_mut().insert(EventSenders::new(
        cookies.device.as_ref(),
        login.as_ref().map(|login| login.user.id),
        ended_login,
        &cookies.previous,
        cookies.consented_since_ms,
        now_ms,
    ));
    let previous_login = cookies.previous.first().map(|previous| previous.login);
    let mut context = RequestContext {
        backend: state.backend.clone(),
        query_share: QueryShare::Operator,
        boot: Arc::new(boot(
            &state,
            login.as_ref(),
            identity.as_ref(),
            &cookies,
            kind,
            own_hosts,
            now_ms,
        )),
        login,
        visitor,
        cookie: cookie.clone(),
        has_cookies: request.headers().contains_key(http::header::COOKIE),
        links: cookies.links.clone(),
        lab: state.lab.clone(),
        previous_login: ended_login.or(previous_login),
        refresh,
        changes: app::request::Changes::default(),
    };
    if !app::operations::may_operate(&context) {
        context.query_share = QueryShare::Visitor(NetworkKey::of(context.visitor.address));
    }
    request.extensions_mut().insert(context.clone());

    // Before the handler, because it may begin a new login.
    if ended
        && kind != RequestKind::Background
        && let Err(error) = cookie.flush().await
    {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "cannot remove an ended login's cookie"
        );
    }
    let mut response = next.run(request).await;
    if kind != RequestKind::Background {
        let response_cookies = ResponseCookies {
            kind,
            consent,
            request: &cookies,
            identity,
            new_touches,
            ended,
            ended_login,
            has_voter_token,
            now_ms,
        };
        response_cookies.write(&state, &context, response.headers_mut());
    }
    response
}

/// Removes `Set-Cookie` from the responses to background requests. The login's layer would delete the cookie of an ended login,
/// but the next document needs it to give the browser a new device.
pub async fn no_cookies_in_background(
    State(group): State<RouteGroup>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let kind = group.kind(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if kind == RequestKind::Background {
        response.headers_mut().remove(header::SET_COOKIE);
    }
    response
}

/// The open login of the request, and the ID of the login that its cookie names, open or ended.
async fn find_login(
    state: &AppState,
    cookie: &Session,
    kind: RequestKind,
) -> Result<(Option<Login>, Option<Uuid>), AccountError> {
    let Some(cookie_id) = cookie.id() else {
        return Ok((None, None));
    };
    let Some(CookieLogin { id, open: login }) = state.backend.accounts.login_of_cookie(&cookie_id).await?
    else {
        // The database does not know this cookie. tower-sessions finds that out here, and deletes the cookie in the response.
        if let Err(error) = cookie.get_value(LoginCookies::LOGIN).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot look up a login cookie"
            );
        }
        return Ok((None, None));
    };
    if let Some(login) = login.as_ref().filter(|_| kind != RequestKind::Background)
        && state.backend.accounts.record_activity(login).await?
    {
        // Setting the expiry marks the cookie as changed, so that it is sent again and its lifetime starts over.
        cookie.set_expiry(Some(Expiry::OnInactivity(LoginCookies::IDLE)));
    }
    Ok((login, Some(id)))
}

/// Records that the SDK ran in this session, if its cookie is of this session: the verdict compares it with what has
/// arrived. Only for accounts, because other visitors have no server events.
/// The session comes from a cookie that scripts write, so a network can add only a limited number.
fn record_sdk(state: &AppState, login: Option<&Login>, identity: Option<&BrowserIdentity>, address: IpAddr) {
    let Some(PresentIds::Live {
        device,
        session,
        source: IdSource::SdkCookie,
        ..
    }) = identity.map(BrowserIdentity::present_ids)
    else {
        return;
    };
    if let Some(login) = login {
        let (loss, limits) = (&state.backend.loss, &state.backend.limits);
        let is_new = loss.is_new_sdk_session(&device, session);
        if is_new && limits.count_new_session(NetworkKey::of(address)).is_err() {
            return;
        }
        loss.record_sdk_session(login.user.id, &device, session);
    }
}

/// Records the script's count of fired events, if it is of this device and the device cookie is signed. A network can add
/// only a limited number of sessions, because each is a row.
fn record_fired(
    state: &AppState,
    login: Option<&Login>,
    identity: Option<&BrowserIdentity>,
    cookies: &RequestCookies,
    address: IpAddr,
) {
    let (Some(identity), Some(fired)) = (identity, &cookies.fired) else {
        return;
    };
    if cookies.device.as_ref() != Some(&fired.device) || fired.device != identity.device {
        return;
    }
    let (loss, limits) = (&state.backend.loss, &state.backend.limits);
    if loss.is_new_session(fired) && limits.count_new_session(NetworkKey::of(address)).is_err() {
        return;
    }
    loss.record_fired(fired, identity.session, login.map(|login| login.user.id));
}

fn new_device(state: &AppState) -> DeviceId {
    state.site.cookie_key.generate_device(ids::random())
}

/// Without the database the user is unknown. The request fails, because a page for an unknown visitor would be wrong.
fn unavailable(error: &AccountError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "cannot look up a login");
    let retry = [(header::RETRY_AFTER, "5"), (header::CACHE_CONTROL, "no-store")];
    (
        StatusCode::SERVICE_UNAVAILABLE,
        retry,
        "Seamline cannot reach its database. Please try again in a moment.",
    )
        .into_response()
}

fn boot(
    state: &AppState,
    login: Option<&Login>,
    identity: Option<&BrowserIdentity>,
    cookies: &RequestCookies,
    kind: RequestKind,
    exclude_referrers: Vec<String>,
    now_ms: i64,
) -> Boot {
    Boot {
        tracking: identity.is_some(),
        sdk: state.assets.url(boot::SDK_FILE),
        endpoint: boot::INGEST_PATH,
        key: state.site.public_key.clone(),
        device: identity.map(|identity| identity.device.to_string()),
        session: identity.map(|identity| identity.session.ms()),
        user: login.map(|login| login.user.id.to_string()),
        now: now_ms,
        exclude_referrers,
        confirmed: match kind {
            RequestKind::Document => {
                let device = identity.map(|identity| &identity.device);
                let own = cookies
                    .confirmed
                    .iter()
                    .filter(|event| Some(&event.device) == device);
                own.cloned().map(Into::into).collect()
            }
            RequestKind::Mutation | RequestKind::Background => Vec::new(),
        },
    }
}

/// The cookies of a response.
struct ResponseCookies<'a> {
    kind: RequestKind,
    consent: Consent,
    /// The cookies of the request.
    request: &'a RequestCookies,
    identity: Option<BrowserIdentity>,
    /// The touches, if this document changes them.
    new_touches: Option<BrowserTouches>,
    /// Whether a login of this browser has ended: before this request, or in it.
    ended: bool,
    /// This login. `None` also if its cookie no longer leads to it.
    ended_login: Option<Uuid>,
    /// Whether the browser presented a voter's token.
    has_voter_token: bool,
    now_ms: i64,
}

impl ResponseCookies<'_> {
    fn write(mut self, state: &AppState, context: &RequestContext, headers: &mut HeaderMap) {
        let changes = context.changes.requested();
        if let Some(login) = changes.ended {
            // The new session begins after the event that ended the other one, not when the request came in.
            self.now_ms = state.backend.clock.now_ms();
            self.identity = self
                .identity
                .map(|_| BrowserIdentity::fresh(new_device(state), self.now_ms));
            self.ended = true;
            self.ended_login = Some(login);
        }
        let mut writer = CookieWriter::new(headers, state.site.secure(), &state.site.cookie_key);
        // Votes and throttles are no part of tracking, so they do not depend on consent.
        match &changes.voter {
            Some(token) => writer.voter(token),
            None if self.ended && self.has_voter_token => writer.forget_voter(),
            None => {}
        }
        if let Some(account) = changes.begun {
            writer.known_account(&self.request.known_accounts, account);
            // The account may allow tracking, which begins now: events from before are not sent.
            let account_decides = self.request.choice == Choice::Unset && !context.visitor.privacy_control;
            if self.consent == Consent::Denied && changes.choice.is_none() && account_decides {
                writer.consent(Choice::Unset, Some(self.now_ms));
            }
        }
        if let Some((page, secret)) = &changes.link {
            writer.link(*page, secret.as_ref());
        }
        if let Some(choice) = changes.choice {
            let since_ms = match self.consent {
                Consent::Granted => self.request.consented_since_ms,
                Consent::Denied => Some(self.now_ms),
            };
            writer.consent(choice, since_ms.filter(|_| choice != Choice::Denied));
            if choice == Choice::Denied {
                writer.forget_identity(&state.site.public_key, &self.request.confirmed);
                return;
            }
        }
        if self.consent == Consent::Denied {
            if self.request.identifies() {
                writer.forget_identity(&state.site.public_key, &self.request.confirmed);
            }
            return;
        }
        let Some(identity) = &self.identity else { return };
        if self.kind == RequestKind::Document || self.ended {
            writer.device(&identity.device);
        }
        writer.session(identity.own_session(self.now_ms));
        // A post that was answered after a sign-out may have left an event of the user before.
        let is_other = |event: &&ConfirmedEvent| event.device != identity.device;
        writer.forget_confirmed(self.request.confirmed.iter().filter(is_other));
        if self.ended {
            writer.forget_sdk(&state.site.public_key);
            writer.forget_fired();
            writer.forget_touches();
            if let Some((login, device)) = self.ended_login.zip(self.request.device.clone()) {
                let ended = PreviousDevice {
                    device,
                    login,
                    ended_at_ms: self.now_ms,
                };
                writer.previous(&ended.followed_by(&self.request.previous));
            }
        }
        if let Some(touches) = &self.new_touches {
            writer.touches(&identity.device, touches);
        }
        if !changes.confirmed.is_empty() {
            writer.confirmed(&self.request.confirmed, &changes.confirmed);
        }
        if self.kind == RequestKind::Mutation {
            // Digits only.
            if let Ok(value) = HeaderValue::from_str(&identity.session.to_string()) {
                headers.insert(SESSION_HEADER, value);
            }
        }
    }
}
