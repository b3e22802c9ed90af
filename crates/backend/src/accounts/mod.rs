//! Accounts and logins: sign-up, sign-in and sign-out. Submodules change credentials, confirm addresses, list logins,
//! set consent and delete accounts. Each action is one transaction that includes its event and its mails.

mod consent;
mod credentials;
pub mod deletion;
mod event_store;
pub mod links;
mod login_cookies;
mod login_lifetime;
mod logins;
pub mod operators;
mod password;
mod store;
mod throttle;

pub(crate) use consent::is_tracked_at;
pub use login_cookies::LoginCookies;
pub use logins::{OpenLogin, browser_name};

use std::sync::Arc;

use db::Db;
use forms::{Field, FieldError, FieldErrors, SignIn, SignUp, SignUpForm};
use outbox::Wakeup;
use tower_sessions::session::Id;
use tracking::{Choice, PresentIds, ServerEvent, SignInCompleted, SignOutCompleted, SignUpCompleted, UserId};
use uuid::Uuid;

use crate::NetworkKey;
use crate::clock::Clock;
use crate::mail::{self, MailKind};
use crate::visitor::Visitor;
use crate::{attribution, dates, ids, polls};
use event_store::enqueue_after_sign_up;
use login_lifetime::OpenBounds;
pub use password::HashQueueUsage;
use password::{Hasher, PasswordMatch};
pub use store::EndedBy;

/// The shortest time between two writes of a login's `last_seen_at_ms`.
const ACTIVITY_INTERVAL_MS: i64 = 5 * 60_000;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user ID. It never changes.
    pub id: UserId,
    /// The address as the user typed it.
    pub email: String,
    /// Whether the user has confirmed the address.
    pub verified: bool,
    /// Whether the command `seamline operator add` has made the account an operator.
    pub operator: bool,
    /// The user's choice about tracking.
    pub consent: Choice,
}

/// A user who is signed in, in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The login's ID. Only the cookie's session and the insert IDs of its events contain it.
    pub id: Uuid,
    /// The account.
    pub user: User,
    /// When the user signed in, in ms since the epoch. The login ends 90 days later, however often it is used.
    pub signed_in_at_ms: i64,
    /// When the login was last used, in ms since the epoch, to within 5 minutes.
    pub last_seen_at_ms: i64,
}

/// The login that a login cookie names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieLogin {
    /// The login's ID.
    pub id: Uuid,
    /// The login; `None` if it has ended, was idle for 30 days, or began 90 days ago.
    pub open: Option<Login>,
}

impl Login {
    /// A login of a user who has just proven the password.
    fn new(user: User, now_ms: i64) -> Self {
        Self {
            id: ids::row(),
            user,
            signed_in_at_ms: now_ms,
            last_seen_at_ms: now_ms,
        }
    }
}

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The form is invalid. The page shows the errors.
    #[error("the form is invalid")]
    FieldErrors(FieldErrors),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A password could not be hashed.
    #[error("cannot hash the password: {0}")]
    Hash(String),
}

impl From<FieldErrors> for AccountError {
    fn from(errors: FieldErrors) -> Self {
        Self::FieldErrors(errors)
    }
}

/// The actions on accounts. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    clock: Clock,
    /// Wakes the outbox's dispatcher.
    outbox_wakeup: Wakeup,
    hasher: Arc<Hasher>,
    track_email: bool,
    /// Multiplies the limits of networks.
    limit_factor: u32,
    /// Wakes the mail sender.
    mail_wakeup: Wakeup,
    /// Wakes the deleter.
    deletion_wakeup: Wakeup,
    /// Wakes the updater of Stripe's customers.
    customer_email_wakeup: Wakeup,
}

impl Accounts {
    /// Creates the actions on this database. `track_email`: whether the address is sent to Amplitude as a user
    /// property.
    pub fn new(db: Db, clock: Clock, outbox_wakeup: Wakeup, track_email: bool) -> Self {
        Self {
            db,
            clock,
            outbox_wakeup,
            hasher: Arc::new(Hasher::new(1)),
            track_email,
            limit_factor: 1,
            mail_wakeup: Wakeup::new(),
            deletion_wakeup: Wakeup::new(),
            customer_email_wakeup: Wakeup::new(),
        }
    }

    /// Multiplies the limits of sign-ups, password checks and mails of one network.
    #[must_use]
    pub fn with_limit_factor(mut self, factor: u32) -> Self {
        self.limit_factor = factor;
        self.hasher = Arc::new(Hasher::new(factor));
        self
    }

    /// Creates an account and signs the user in.
    ///
    /// # Errors
    /// When the address has an account, when the network has made too many sign-ups, or when the server is busy.
    pub async fn sign_up(&self, input: SignUp, visitor: &Visitor) -> Result<Login, AccountError> {
        let place = self.hasher.place(NetworkKey::of(visitor.address))?;
        self.count_sign_up(&input.email, visitor).await?;
        let hash = place.hash(&input.password).await?;

        let now_ms = self.clock.now_ms();
        let email = input.email.as_str().to_owned();
        let consent =
            tracking::consent::choice_for_account(Choice::Unset, visitor.choice, visitor.privacy_control);
        let user = User {
            id: ids::user(),
            email,
            verified: false,
            operator: false,
            consent,
        };
        let login = Login::new(user, now_ms);
        let mut writes: Vec<_> = store::insert_user(&login.user, &input.email, &hash, now_ms).collect();
        writes.push(store::insert_login(&login, &visitor.user_agent));
        let engine = self.db.engine();
        writes.extend(mail::insert_statements(
            engine,
            MailKind::VerifyEmail,
            Some(login.user.id),
            &login.user.email,
            None,
            now_ms,
        ));
        let first_touch = attribution::first_touch_of_browser(visitor);
        writes.extend(first_touch.map(|first| attribution::insert_first_touch(login.user.id, first)));
        if let Some(ids) = visitor.present_ids() {
            if let PresentIds::Live { session, context, .. } = &ids {
                let touch = attribution::insert_session_touch(login.user.id, *session, context, now_ms);
                writes.extend(touch);
            }
            let event = SignUpCompleted {
                email_domain: input.email.domain(),
                email: self.track_email.then(|| login.user.email.clone()),
                signed_up_on: dates::day(now_ms),
                first_touch: first_touch.map(|first| first.touch.clone()),
            };
            let event = ServerEvent::present(login.user.id, &event, ids, now_ms);
            writes.extend(outbox::insert_statements(engine, &event, now_ms)?);
        }
        match &visitor.voter {
            None => self.db.execute(writes).await.map(drop).map_err(sign_up_error)?,
            Some(voter) => {
                let mut tx = self.db.write_with(writes).await.map_err(sign_up_error)?;
                polls::transfer_votes(&mut tx, voter, login.user.id).await?;
                tx.commit().await?;
            }
        }
        self.outbox_wakeup.wake();
        self.mail_wakeup.wake();
        Ok(login)
    }

    /// Signs in.
    ///
    /// # Errors
    /// When the address or the password is wrong; both cases give the same error and take the same time. When there were
    /// too many attempts, or when the server is busy.
    pub async fn sign_in(&self, input: SignIn, visitor: &Visitor) -> Result<Login, AccountError> {
        let place = self.hasher.place(NetworkKey::of(visitor.address))?;
        let found = store::user_by_email(self.db.pool(), &input.email).await?;
        let is_known = found.as_ref().is_some_and(|(user, _)| visitor.knows(user.id));
        let attempt = self.password_check(&input.email, visitor, is_known);
        self.count_password_check(&attempt).await?;
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
        let matched = place.verify(&input.password, hash.clone()).await?;
        let (Some(user), Some(hash), PasswordMatch::Correct { new_hash }) = (user, hash, matched) else {
            return Err(FieldErrors::one(Field::FORM, FieldError::WrongCredentials).into());
        };

        let now_ms = self.clock.now_ms();
        let login = Login::new(user, now_ms);
        let mut tx = self.db.write().await?;
        // A concurrent password reset ends every login. This login must not remain after it.
        if !store::lock_account_if_password(&mut tx, login.user.id, &hash).await? {
            return Err(FieldErrors::one(Field::FORM, FieldError::WrongCredentials).into());
        }
        if let Some(new_hash) = new_hash {
            store::set_password(&mut tx, login.user.id, &new_hash).await?;
        }
        store::insert_login(&login, &visitor.user_agent)
            .execute(&mut tx)
            .await?;
        let consent = tracking::consent::choice_for_account(
            login.user.consent,
            visitor.choice,
            visitor.privacy_control,
        );
        if consent != login.user.consent {
            store::set_consent(&mut tx, login.user.id, consent, now_ms).await?;
            if consent == Choice::Denied {
                consent::deny(&mut tx, login.user.id, now_ms).await?;
            }
        }
        if let Some(voter) = &visitor.voter {
            polls::transfer_votes(&mut tx, voter, login.user.id).await?;
        }
        attempt.refund(&mut tx).await?;
        // The browser may allow tracking although the account denies it.
        if let Some(ids) = visitor.present_ids().filter(|_| consent != Choice::Denied) {
            let first_touch = attribution::record_first_touch(&mut tx, login.user.id, visitor).await?;
            let event = SignInCompleted {
                login: login.id,
                signed_in_at: dates::instant(now_ms),
                first_touch,
            };
            let event = ServerEvent::present(login.user.id, &event, ids, now_ms);
            enqueue_after_sign_up(&mut tx, event, now_ms).await?;
        }
        tx.commit().await?;
        self.outbox_wakeup.wake();
        Ok(login)
    }

    /// Ends the login. A second call changes nothing and writes no event.
    pub async fn sign_out(&self, login: &Login, visitor: &Visitor) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if store::end_login(&mut tx, login.id, EndedBy::SignOut, now_ms).await? {
            let is_last_login =
                store::count_open_logins(&mut tx, login.user.id, OpenBounds::at(now_ms)).await? == 0;
            if let Some(ids) = visitor.present_ids() {
                let event = SignOutCompleted {
                    login: login.id,
                    last_login: is_last_login,
                };
                let event = ServerEvent::present(login.user.id, &event, ids, now_ms);
                enqueue_after_sign_up(&mut tx, event, now_ms).await?;
            }
        }
        tx.commit().await?;
        self.outbox_wakeup.wake();
        Ok(())
    }

    /// Returns the login that a login cookie names; `None` for a cookie that is not stored, names none, or has expired.
    pub async fn login_of_cookie(&self, cookie: &Id) -> Result<Option<CookieLogin>, AccountError> {
        let hash = login_cookies::hash(cookie);
        Ok(store::login_of_cookie(&self.db, &hash, self.clock.now_ms()).await?)
    }

    /// Records that the login was used, at most every 5 minutes. Returns true if it was recorded; the caller then also
    /// extends the cookie's expiry.
    pub async fn record_activity(&self, login: &Login) -> Result<bool, AccountError> {
        let now_ms = self.clock.now_ms();
        let is_due = now_ms - login.last_seen_at_ms > ACTIVITY_INTERVAL_MS;
        if is_due {
            store::record_activity(&self.db, login.id, now_ms).await?;
        }
        Ok(is_due)
    }

    /// The requests that wait for a password hash.
    pub fn hash_queue(&self) -> HashQueueUsage {
        self.hasher.usage()
    }

    /// Returns the user of a login, including an ended one. Used only to check whether a browser's late events may name
    /// that user and, in local mode, to continue the walkthrough of the browser's last user.
    pub async fn owner_of_login(&self, id: Uuid) -> Result<Option<UserId>, AccountError> {
        Ok(store::owner_of_login(self.db.pool(), id).await?)
    }
}

/// The error of a sign-up whose statements failed. If the address is taken, there is no row of the new account, and the foreign
/// key of its login fails.
fn sign_up_error(error: sqlx::Error) -> AccountError {
    let database = error.as_database_error();
    match database.is_some_and(|database| database.is_foreign_key_violation()) {
        true => FieldErrors::one(SignUpForm::email, FieldError::EmailTaken).into(),
        false => error.into(),
    }
}
