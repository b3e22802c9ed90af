//! One request's visitor: who they are, what the answer must do to their browser. The server's middleware makes it, puts
//! it into the request's extensions, and carries out the changes when the answer is ready. This is the only module
//! that knows how pages and server functions reach their request.

use std::sync::{Arc, Mutex, PoisonError};

use backend::accounts::links::LinkSecret;
use backend::accounts::{AccountError, Login};
use backend::polls::{Voter, VoterToken};
use backend::{Backend, Visitor};
use http::request::Parts;
use leptos::prelude::use_context;
use tokio::sync::watch;
use tower_sessions::Session;
use tracking::{Choice, ClientEvent, InsertId, SessionId};
use uuid::Uuid;

use crate::auth::LinkPage;
use crate::lab::Board;
use crate::tracking::boot::{Boot, ConfirmedEvent};
use ::forms::{Field, FieldError, FieldErrors};

/// Key of the one value that a login's cookie leads to.
const LOGIN: &str = "login";

/// The visitor of one request. Cheap to clone.
#[derive(Clone)]
pub struct RequestContext {
    /// The verbs.
    pub backend: Backend,
    /// Who is signed in.
    pub login: Option<Login>,
    /// Device and session for events, address, user agent.
    pub visitor: Visitor,
    /// What the document passes to the browser's script.
    pub boot: Arc<Boot>,
    /// The login cookie's session.
    pub cookie: Session,
    /// The login that ended last in this browser: its late events may still name its user.
    pub previous_login: Option<Uuid>,
    /// Mail links that this browser has opened.
    pub links: Links,
    /// How the disturbance lab stands, where there is one.
    pub lab: Option<watch::Receiver<Board>>,
    /// The page refreshes itself: no user has opened it or pressed anything.
    pub refresh: bool,
    /// What the answer must do.
    pub changes: Changes,
}

/// Secrets of mail links that a browser has opened and not used yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Links {
    /// For the page that proves an address.
    pub verify: Option<LinkSecret>,
    /// For the page that sets a new password.
    pub reset: Option<LinkSecret>,
}

impl Links {
    /// The one for a page.
    pub fn of(&self, page: LinkPage) -> Option<&LinkSecret> {
        match page {
            LinkPage::Verify => self.verify.as_ref(),
            LinkPage::Reset => self.reset.as_ref(),
        }
    }
}

/// What a handler asks of the answer. Shared by all clones of a visit.
#[derive(Clone, Debug, Default)]
pub struct Changes(Arc<Mutex<RequestedChanges>>);

/// See [`Changes`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestedChanges {
    /// The login that ended here: the browser becomes a new device in a new session.
    pub ended: Option<Uuid>,
    /// What was chosen about tracking here.
    pub choice: Option<Choice>,
    /// Client events that were confirmed here, for documents to fire until they have arrived.
    pub confirmed: Vec<ConfirmedEvent>,
    /// The token under which this browser is to vote from now on.
    pub voter: Option<VoterToken>,
    /// A mail link that was opened here (its secret is to be kept for its page), or used up (`None`).
    pub link: Option<(LinkPage, Option<LinkSecret>)>,
}

impl Changes {
    /// What was asked so far.
    pub fn asked(&self) -> RequestedChanges {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ask(&self, change: impl FnOnce(&mut RequestedChanges)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl RequestContext {
    /// Has the answer write the choice about tracking to this browser.
    pub fn choose(&self, choice: Choice) {
        self.changes.ask(|asked| asked.choice = Some(choice));
    }

    /// The login of this browser; the error that a form shows when no user is signed in.
    pub(crate) fn signed_in(&self) -> Result<&Login, FieldErrors> {
        let login = self.login.as_ref();
        login.ok_or_else(|| FieldErrors::one(Field::FORM, FieldError::SignedOut))
    }

    /// Gives this browser the login, under a new cookie: one that was set before sign-in is worth nothing after it.
    pub async fn begin_login(&self, login: &Login) -> Result<(), FieldErrors> {
        self.cookie.cycle_id().await.map_err(|error| internal(&error))?;
        let inserted = self.cookie.insert(LOGIN, login.id).await;
        inserted.map_err(|error| internal(&error))
    }

    /// Takes the login from this browser, and has the answer turn it into a new device.
    pub async fn finish_login(&self, login: &Login) -> Result<(), FieldErrors> {
        self.changes.ask(|asked| asked.ended = Some(login.id));
        self.cookie.flush().await.map_err(|error| internal(&error))
    }

    /// Whose votes this browser casts: the account's that is signed in, else the browser's own, if it has kept our cookie.
    pub fn voter(&self) -> Option<Voter> {
        let account = self.login.as_ref().map(|login| Voter::Account(login.user.id));
        account.or_else(|| self.visitor.voter.clone().map(Voter::Token))
    }

    /// Gives a browser without a login a token to vote under, before it votes: two votes that are sent at
    /// once then come from one voter.
    pub fn offer_voter_token(&self) {
        if self.voter().is_none() {
            self.changes.ask(|asked| asked.voter = Some(VoterToken::mint()));
        }
    }

    /// Keeps the secret of a mail link for its page.
    pub fn link_opened(&self, page: LinkPage, secret: LinkSecret) {
        self.changes.ask(|asked| asked.link = Some((page, Some(secret))));
    }

    /// Forgets the secret of a mail link.
    pub fn link_spent(&self, page: LinkPage) {
        self.changes.ask(|asked| asked.link = Some((page, None)));
    }

    /// Has documents fire a client event until the browser's script has seen it arrive.
    pub fn confirm(&self, insert_id: InsertId, event: impl Into<ClientEvent>) {
        let time_ms = self.backend.clock.now_ms();
        let confirmed = ConfirmedEvent {
            insert_id,
            time_ms,
            session: self.boot.session.and_then(SessionId::from_ms),
            event: event.into(),
            counted: false,
        };
        self.changes.ask(|asked| asked.confirmed.push(confirmed));
    }
}

/// The login that a cookie's session leads to.
pub async fn login_of(cookie: &Session) -> Result<Option<Uuid>, tower_sessions::session::Error> {
    cookie.get(LOGIN).await
}

/// The visit of the request being answered; `None` outside of one.
pub fn current() -> Option<RequestContext> {
    use_context::<Parts>()?
        .extensions
        .get::<RequestContext>()
        .cloned()
}

/// What a form shows when a verb failed: errors of the input as they are, ours as one sentence and a log entry.
pub(crate) fn errors(error: AccountError) -> FieldErrors {
    match error {
        AccountError::FieldErrors(errors) => errors,
        error => internal(&error),
    }
}

/// Logs our own failure, once, and says nothing of it but that it happened.
pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> FieldErrors {
    tracing::error!(error, "a form failed");
    FieldErrors::one(Field::FORM, FieldError::Internal)
}
