//! The context of one request: the visitor, and the changes that the response makes to the visitor's browser. The server's
//! middleware creates it, puts it into the request's extensions, and carries out the changes when the response is ready. Only
//! this module knows how pages and server functions reach their request.

use std::sync::{Arc, Mutex, PoisonError};

use backend::accounts::links::LinkSecret;
use backend::accounts::{AccountError, Login, LoginCookies};
use backend::limits::LimitExceededError;
use backend::polls::{Voter, VoterToken};
use backend::timeline::{QueryShare, Timeline};
use backend::{Backend, NetworkKey, Visitor};
use http::request::Parts;
use leptos::reactive::owner::with_context;
use tokio::sync::watch;
use tower_sessions::Session;
use tracking::{Choice, ClientEvent, DeviceId, InsertId, SessionId, UserId};
use uuid::Uuid;

use crate::auth::LinkPage;
use crate::lab::LabState;
use crate::tracking::boot::{Boot, ConfirmedEvent};
use ::forms::{Field, FieldError, FieldErrors};

/// The context of one request. Cheap to clone.
#[derive(Clone)]
pub struct RequestContext {
    /// The operations.
    pub backend: Arc<Backend>,
    /// The visitor's share of Amplitude's queries.
    pub query_share: QueryShare,
    /// The login of this browser; `None` if no user is signed in.
    pub login: Option<Login>,
    /// Device and session for events, address, user agent.
    pub visitor: Visitor,
    /// What the document passes to the browser's script.
    pub boot: Arc<Boot>,
    /// The login cookie's session.
    pub cookie: Session,
    /// Whether the browser has sent a cookie, so that it is known to store them.
    pub has_cookies: bool,
    /// The login that ended last in this browser. In local mode the guided walk continues with its user.
    pub previous_login: Option<Uuid>,
    /// Mail links that this browser has opened.
    pub links: Links,
    /// The state of the disturbance lab, in local mode.
    pub lab: Option<watch::Receiver<LabState>>,
    /// Whether the page refreshes itself: no user opened it, and no user sent anything.
    pub refresh: bool,
    /// The changes that the response makes to the browser.
    pub changes: Changes,
}

/// Secrets of mail links that a browser has opened and not used yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Links {
    /// For the page that confirms an address.
    pub verify: Option<LinkSecret>,
    /// For the page that sets a new password.
    pub reset: Option<LinkSecret>,
}

impl Links {
    /// The secret for a page.
    pub fn of(&self, page: LinkPage) -> Option<&LinkSecret> {
        match page {
            LinkPage::Verify => self.verify.as_ref(),
            LinkPage::Reset => self.reset.as_ref(),
        }
    }
}

/// The changes that handlers request for the response. All clones of a context share them.
#[derive(Clone, Debug, Default)]
pub struct Changes(Arc<Mutex<RequestedChanges>>);

/// The changes that the handlers of one request have requested.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestedChanges {
    /// The login that ended in this request: the browser gets a new device and a new session.
    pub ended: Option<Uuid>,
    /// The account that was signed in to here.
    pub begun: Option<UserId>,
    /// The choice about tracking that was made here.
    pub choice: Option<Choice>,
    /// Client events that this request confirmed. Documents fire them until they have arrived.
    pub confirmed: Vec<ConfirmedEvent>,
    /// The token under which this browser votes from now on.
    pub voter: Option<VoterToken>,
    /// A mail link that this request opened, with the secret to keep for its page, or used up (`None`).
    pub link: Option<(LinkPage, Option<LinkSecret>)>,
}

impl Changes {
    /// The changes that were requested so far.
    pub fn requested(&self) -> RequestedChanges {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut RequestedChanges)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl RequestContext {
    /// The timelines, read from this visitor's share of Amplitude's queries.
    pub fn timeline(&self) -> Timeline {
        self.backend.timeline.clone().with_share(self.query_share)
    }

    /// Has the response write the choice about tracking to this browser.
    pub fn choose(&self, choice: Choice) {
        self.changes.update(|changes| changes.choice = Some(choice));
    }

    /// The login of this browser.
    ///
    /// # Errors
    /// When no user is signed in.
    pub(crate) fn signed_in(&self) -> Result<&Login, FieldErrors> {
        let login = self.login.as_ref();
        login.ok_or_else(|| FieldErrors::one(Field::FORM, FieldError::SignedOut))
    }

    /// Gives this browser the login, under a new cookie: a cookie that was set before the sign-in grants nothing after it.
    pub async fn begin_login(&self, login: &Login) -> Result<(), FieldErrors> {
        self.cookie.cycle_id().await.map_err(|error| internal(&error))?;
        let inserted = self.cookie.insert(LoginCookies::LOGIN, login.id).await;
        inserted.map_err(|error| internal(&error))?;
        self.changes.update(|changes| changes.begun = Some(login.user.id));
        Ok(())
    }

    /// Takes the login from this browser, and has the response give it a new device.
    pub async fn finish_login(&self, login: &Login) -> Result<(), FieldErrors> {
        self.changes.update(|changes| changes.ended = Some(login.id));
        self.cookie.flush().await.map_err(|error| internal(&error))
    }

    /// The voter: the account that is signed in, or else the token in this browser's cookie, if it has one.
    pub fn voter(&self) -> Option<Voter> {
        let account = self.login.as_ref().map(|login| Voter::Account(login.user.id));
        account.or_else(|| self.visitor.voter.clone().map(Voter::Token))
    }

    /// Counts a vote of this network.
    ///
    /// # Errors
    /// When the network has cast too many votes.
    pub(crate) fn count_vote(&self) -> Result<(), FieldErrors> {
        let network = NetworkKey::of(self.visitor.address);
        self.backend.limits.count_vote(network).map_err(too_many)
    }

    /// Counts a post that calls Stripe.
    ///
    /// # Errors
    /// When the account or the network has sent too many.
    pub(crate) fn count_stripe_call(&self, login: &Login) -> Result<(), FieldErrors> {
        let (limits, network) = (&self.backend.limits, NetworkKey::of(self.visitor.address));
        limits.count_stripe_call(network, login.user.id).map_err(too_many)
    }

    /// Gives a browser without a login a token to vote under, before it votes, so that two concurrent votes come from one
    /// voter.
    pub fn offer_voter_token(&self) {
        if self.voter().is_none() {
            self.changes
                .update(|changes| changes.voter = Some(VoterToken::generate()));
        }
    }

    /// Keeps the secret of a mail link for its page.
    pub fn link_opened(&self, page: LinkPage, secret: LinkSecret) {
        self.changes
            .update(|changes| changes.link = Some((page, Some(secret))));
    }

    /// Forgets the secret of a mail link.
    pub fn link_used(&self, page: LinkPage) {
        self.changes.update(|changes| changes.link = Some((page, None)));
    }

    /// Has documents fire a client event until the browser's script has seen it arrive. Nothing without tracking.
    pub fn confirm(&self, insert_id: InsertId, event: impl Into<ClientEvent>) {
        let Some(device) = self.boot.device.as_deref().and_then(DeviceId::parse) else {
            return;
        };
        let confirmed = ConfirmedEvent {
            insert_id,
            time_ms: self.backend.clock.now_ms(),
            device,
            session: self.boot.session.and_then(SessionId::from_ms),
            event: event.into(),
            counted: false,
        };
        self.changes.update(|changes| changes.confirmed.push(confirmed));
    }
}

fn too_many(exceeded: LimitExceededError) -> FieldErrors {
    let minutes = u32::try_from(exceeded.retry_after_secs.div_ceil(60)).unwrap_or(u32::MAX);
    FieldErrors::one(Field::FORM, FieldError::TooManyAttempts { minutes })
}

/// Reads the current request; `None` outside of a request. Leptos' `use_context` would copy all headers. `read` must not
/// provide a context.
pub(crate) fn with_parts<T>(read: impl FnOnce(&Parts) -> T) -> Option<T> {
    with_context(read)
}

/// Reads the context of the current request; `None` outside of a request. `read` must not provide a context.
pub fn with_current<T>(read: impl FnOnce(&RequestContext) -> T) -> Option<T> {
    with_parts(|parts| parts.extensions.get().map(read)).flatten()
}

/// The context of the current request; `None` outside of a request.
pub fn current() -> Option<RequestContext> {
    with_current(RequestContext::clone)
}

/// The errors that a form shows: errors of the input unchanged, failures of the server as one sentence and a log entry.
pub(crate) fn errors(error: AccountError) -> FieldErrors {
    match error {
        AccountError::FieldErrors(errors) => errors,
        error => internal(&error),
    }
}

/// Logs a failure of the server, and returns the error that a form shows for it.
pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> FieldErrors {
    tracing::error!(error, "a form failed");
    FieldErrors::one(Field::FORM, FieldError::Internal)
}
