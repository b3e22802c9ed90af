//! Accounts and logins: sign-up, sign-in, sign-out; and what people do with an account in the folders beside. Each verb is
//! one transaction, its event and its mails inside.

mod consent;
mod cookie_store;
mod credentials;
pub mod deletion;
pub mod links;
mod logins;
mod password;
mod store;
mod throttle;

pub use cookie_store::LoginCookies;
pub use logins::{OpenLogin, browser_in_words};

use std::sync::Arc;

use db::Db;
use forms::{Field, FieldError, FieldErrors, SignIn, SignUp, SignUpForm};
use outbox::Nudge;
use tracking::{Choice, ServerEvent, SignInCompleted, SignOutCompleted, SignUpCompleted, UserId};
use uuid::Uuid;

use crate::clock::Clock;
use crate::mail::{self, Kind};
use crate::visitor::Visitor;
use crate::{dates, ids, polls};
use password::Hasher;
pub use store::EndedBy;

/// How often a login's `last_seen_at` is written: often enough for a list of logins, rarely enough to cost nothing.
const SEEN_EVERY_MS: i64 = 5 * 60_000;

/// An account, as the pages need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Ours for good.
    pub id: UserId,
    /// As typed, at sign-up or when it was changed.
    pub email: String,
    /// A link in a mail to this address was used.
    pub verified: bool,
    /// The person's own choice about tracking.
    pub consent: Choice,
}

/// Someone signed in, in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Carried by the cookie's session, and by nothing else that leaves the server but the insert ID of its events.
    pub id: Uuid,
    /// Whose.
    pub user: User,
    /// When somebody last used it, in ms since the epoch, give or take 5 minutes.
    pub last_seen_at: i64,
}

/// Why a verb did nothing.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The form is at fault; the page says where.
    #[error("the form has faults")]
    FieldErrors(FieldErrors),
    /// We are.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A password could not be hashed.
    #[error("cannot hash: {0}")]
    Hash(String),
}

impl From<FieldErrors> for AccountError {
    fn from(faults: FieldErrors) -> Self {
        Self::FieldErrors(faults)
    }
}

/// The verbs. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    clock: Clock,
    nudge: Nudge,
    hasher: Arc<Hasher>,
    track_email: bool,
    /// Wakes the mails' sender.
    post: Nudge,
    /// Wakes whoever carries deletions out.
    errands: Nudge,
}

impl Accounts {
    /// `track_email`: whether the address itself goes to Amplitude as a user property.
    pub fn new(db: Db, clock: Clock, nudge: Nudge, track_email: bool) -> Self {
        Self {
            db,
            clock,
            nudge,
            hasher: Arc::new(Hasher::default()),
            track_email,
            post: Nudge::new(),
            errands: Nudge::new(),
        }
    }

    /// Makes the account and signs it in. Says that an address is taken, a limited number of times.
    pub async fn sign_up(&self, input: SignUp, visitor: &Visitor) -> Result<Login, AccountError> {
        let address = throttle::Key::taken_answers(visitor.address);
        throttle::refuse_if_over(&self.db, &address, self.clock.now_ms()).await?;
        let hash = self.hasher.hash(&input.password).await?;

        let now_ms = self.clock.now_ms();
        let email = input.email.as_str().to_owned();
        let consent = tracking::consent::on_account(Choice::Unset, visitor.choice, visitor.privacy_control);
        let user = User {
            id: ids::user(),
            email,
            verified: false,
            consent,
        };
        let login = Login {
            id: ids::row(),
            user,
            last_seen_at: now_ms,
        };
        let mut tx = self.db.write().await?;
        if !store::insert_user(&mut tx, &login.user, &input.email.key(), &hash, now_ms).await? {
            drop(tx);
            throttle::count(&self.db, &address, now_ms).await?;
            return Err(FieldErrors::one(SignUpForm::email, FieldError::EmailTaken).into());
        }
        store::set_consent(&mut tx, login.user.id, consent, now_ms).await?;
        store::insert_login(&mut tx, &login, &visitor.user_agent, now_ms).await?;
        if let Some(voter) = &visitor.voter {
            polls::adopt(&mut tx, voter, login.user.id).await?;
        }
        mail::enqueue(
            &mut tx,
            Kind::VerifyEmail,
            Some(login.user.id),
            &login.user.email,
            None,
            now_ms,
        )
        .await?;
        if let Some(ids) = &visitor.tracking {
            let event = SignUpCompleted {
                email_domain: input.email.domain(),
                email: self.track_email.then(|| login.user.email.clone()),
                signed_up_on: dates::day(now_ms),
            };
            let event = ServerEvent::present(login.user.id, &event, ids.clone(), now_ms);
            outbox::enqueue(&mut tx, &event, now_ms).await?;
        }
        tx.commit().await?;
        self.nudge.wake();
        self.post.wake();
        Ok(login)
    }

    /// Signs in. The answer is the same, and as slow, whether the address or the password is wrong.
    pub async fn sign_in(&self, input: SignIn, visitor: &Visitor) -> Result<Login, AccountError> {
        let account = throttle::Key::guesses_at(&input.email);
        let address = throttle::Key::guesses_from(visitor.address);
        throttle::refuse_if_over(&self.db, &address, self.clock.now_ms()).await?;
        // Before the password is looked at: of guesses that are sent all at once, no more get through.
        throttle::enter(&self.db, &account, self.clock.now_ms()).await?;
        let found = store::user_by_email(self.db.pool(), &input.email.key()).await?;
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
        let right = self.hasher.verify(&input.password, hash.clone()).await?;
        let (Some(user), Some(hash)) = (user.filter(|_| right), hash) else {
            throttle::count(&self.db, &address, self.clock.now_ms()).await?;
            return Err(FieldErrors::one(Field::FORM, FieldError::WrongCredentials).into());
        };

        let now_ms = self.clock.now_ms();
        let login = Login {
            id: ids::row(),
            user,
            last_seen_at: now_ms,
        };
        let mut tx = self.db.write().await?;
        // A reset that came in between has ended every login; this one must not outlive it.
        if !store::hold_account(&mut tx, login.user.id, &hash).await? {
            return Err(FieldErrors::one(Field::FORM, FieldError::WrongCredentials).into());
        }
        store::insert_login(&mut tx, &login, &visitor.user_agent, now_ms).await?;
        let consent =
            tracking::consent::on_account(login.user.consent, visitor.choice, visitor.privacy_control);
        if consent != login.user.consent {
            store::set_consent(&mut tx, login.user.id, consent, now_ms).await?;
        }
        if let Some(voter) = &visitor.voter {
            polls::adopt(&mut tx, voter, login.user.id).await?;
        }
        // The account's count only: whoever guesses at others from this address must not wipe its count by signing in.
        store::forget_failures(&mut tx, &account.hash).await?;
        // The browser may allow what the account does not.
        if let Some(ids) = visitor.tracking.as_ref().filter(|_| consent != Choice::Denied) {
            let event = SignInCompleted {
                login: login.id,
                signed_in_at: dates::instant(now_ms),
            };
            let event = ServerEvent::present(login.user.id, &event, ids.clone(), now_ms);
            outbox::enqueue(&mut tx, &event, now_ms).await?;
        }
        tx.commit().await?;
        self.nudge.wake();
        Ok(login)
    }

    /// Ends the login. A second call changes nothing and tells nothing.
    pub async fn sign_out(&self, login: &Login, visitor: &Visitor) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if store::end_login(&mut tx, login.id, EndedBy::SignOut, now_ms).await? {
            let last_login = store::live_logins(&mut tx, login.user.id).await? == 0;
            if let Some(ids) = &visitor.tracking {
                let event = SignOutCompleted {
                    login: login.id,
                    last_login,
                };
                let event = ServerEvent::present(login.user.id, &event, ids.clone(), now_ms);
                outbox::enqueue(&mut tx, &event, now_ms).await?;
            }
        }
        tx.commit().await?;
        self.nudge.wake();
        Ok(())
    }

    /// The login behind a cookie, unless it has ended.
    pub async fn login(&self, id: Uuid) -> Result<Option<Login>, AccountError> {
        Ok(store::login(self.db.pool(), id).await?)
    }

    /// Notes that somebody used the login, every 5 minutes at most. `true`: noted, so the cookie's life should be
    /// prolonged as well.
    pub async fn seen(&self, login: &Login) -> Result<bool, AccountError> {
        let now_ms = self.clock.now_ms();
        let due = now_ms - login.last_seen_at > SEEN_EVERY_MS;
        if due {
            store::seen(self.db.pool(), login.id, now_ms).await?;
        }
        Ok(due)
    }

    /// Whose login this is or was. Only for telling whether a browser's late events may name that
    /// user, and in local mode, where everybody may look at everything, whose walk goes on there.
    pub async fn owner_of_login(&self, id: Uuid) -> Result<Option<UserId>, AccountError> {
        Ok(store::owner_of_login(self.db.pool(), id).await?)
    }

    /// Removes what nobody can use any more: expired cookies, logins idle for as long, old throttles, links and mails.
    pub async fn clean_up(&self) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        store::delete_expired_cookies(self.db.pool(), now_ms).await?;
        store::expire_logins(self.db.pool(), now_ms - cookie_store::IDLE_MS, now_ms).await?;
        store::delete_old_throttles(self.db.pool(), now_ms).await?;
        links::clean_up(&self.db, now_ms).await?;
        mail::clean_up(&self.db, now_ms).await?;
        Ok(())
    }
}
