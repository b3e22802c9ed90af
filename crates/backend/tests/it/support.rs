//! The domain actions on a fresh database, with a clock that the test advances.

use std::sync::Arc;

use backend::accounts::links::LinkSecret;
use backend::accounts::{AccountError, Accounts, Login, LoginCookies};
use backend::clock::Clock;
use backend::mail::{Mailbox, Sender, StoredMail};
use backend::polls::{PollError, Polls};
use backend::retention::Retention;
use backend::{RequestOrigin, Visitor};
use db::testing::TestDb;
use db::{Engine, Statement};
use forms::{Email, FieldErrors, Secret, SignInForm, SignUpForm};
use outbox::{OutboxEntry, Wakeup};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tracking::{Choice, ConsentDefault, DeviceId, IdSource, PresentIds, SessionId, UserId};
use uuid::Uuid;

/// The start of the test clock: 2026-11-18 11:06:40 UTC.
pub const NOW: i64 = 1_795_000_000_000;
pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 24 * 60 * MINUTE;

pub const PASSWORD: &str = "correct horse battery";

pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub struct Store {
    pub test: TestDb,
    pub clock: Clock,
    pub accounts: Accounts,
    pub polls: Polls,
}

impl Store {
    pub async fn new(engine: Engine) -> Self {
        let test = TestDb::new(engine).await;
        let clock = Clock::fixed(NOW);
        let accounts = Accounts::new(test.db.clone(), clock.clone(), Wakeup::new(), false);
        let polls = Polls::new(
            test.db.clone(),
            clock.clone(),
            Wakeup::new(),
            ConsentDefault::Granted,
        );
        Self {
            test,
            clock,
            accounts,
            polls,
        }
    }

    pub async fn sign_up(&self, email: &str) -> Login {
        self.accounts.sign_up(sign_up(email), &visitor()).await.unwrap()
    }

    /// An account with a confirmed address. Its confirmation link was delivered before.
    pub async fn sign_up_confirmed(&self, email: &str) -> Login {
        let login = self.sign_up(email).await;
        self.deliver_mails().await;
        let user = login.user.id;
        self.execute(&format!(
            "UPDATE users SET email_verified_at = 1 WHERE id = '{user}'"
        ))
        .await;
        self.login(login.id).await.unwrap()
    }

    /// The login, if it is open: the login of a cookie that names it.
    pub async fn login(&self, id: Uuid) -> Option<Login> {
        let cookies = LoginCookies::new(self.test.db.clone(), self.clock.clone());
        let mut cookie = Record {
            id: Id::default(),
            data: [(LoginCookies::LOGIN.to_owned(), id.to_string().into())].into(),
            expiry_date: OffsetDateTime::UNIX_EPOCH + time::Duration::days(40_000),
        };
        cookies.create(&mut cookie).await.unwrap();
        let found = self.accounts.login_of_cookie(&cookie.id).await.unwrap().unwrap();
        assert_eq!(found.id, id);
        found.open
    }

    /// The poll actions of another server on the same database, with the same clock.
    pub async fn another_server(&self) -> Polls {
        let db = db::Db::open(&self.test.url).await.unwrap();
        Polls::new(db, self.clock.clone(), Wakeup::new(), ConsentDefault::Granted)
    }

    /// Sets the plan of an account, as billing does.
    pub async fn set_plan(&self, user: UserId, plan: &str) {
        self.execute(&format!(
            "UPDATE users SET account_type = '{plan}' WHERE id = '{user}'"
        ))
        .await;
    }

    /// Removes expired rows; payloads and counts of browsers after 30 days. Returns the number of rows.
    pub async fn sweep(&self) -> u64 {
        let retention = Retention::new(self.test.db.clone(), self.clock.clone(), 30);
        retention.sweep().await.unwrap()
    }

    /// Sends all pending mails to the mailbox.
    pub async fn deliver_mails(&self) {
        self.sender().drain().await.unwrap();
    }

    /// A sender that sends to the mailbox.
    pub fn sender(&self) -> Sender {
        Sender::new(
            self.test.db.clone(),
            self.clock.clone(),
            Arc::new(Mailbox::new(self.test.db.clone())),
            "https://demo.example".parse().unwrap(),
            self.accounts.mail_wakeup(),
        )
    }

    /// Sends all pending mails and returns those to an address, newest first.
    pub async fn mails_to(&self, email: &str) -> Vec<StoredMail> {
        self.deliver_mails().await;
        Mailbox::new(self.test.db.clone())
            .mails(Some(email))
            .await
            .unwrap()
    }

    /// Subjects of the mails to an address, newest first.
    pub async fn subjects_to(&self, email: &str) -> Vec<String> {
        let mails = self.mails_to(email).await;
        mails.into_iter().map(|mail| mail.content.subject).collect()
    }

    /// Asks for a link that sets a new password.
    pub async fn request_reset(&self, address: &str) {
        let (address, visitor) = (email(address), visitor());
        let requested = self.accounts.request_password_reset(&address, &visitor).await;
        requested.unwrap();
    }

    /// The secret of the link in the newest mail with this subject.
    pub async fn link_in(&self, email: &str, subject: &str) -> LinkSecret {
        let mails = self.mails_to(email).await;
        let mail = mails.into_iter().find(|mail| mail.content.subject == subject);
        let action = mail
            .unwrap_or_else(|| panic!("no {subject}"))
            .content
            .action
            .unwrap();
        LinkSecret::parse(action.url.rsplit('/').next().unwrap()).unwrap()
    }

    /// The user's outbox rows, oldest first.
    pub async fn events_of(&self, user: UserId) -> Vec<OutboxEntry> {
        outbox::events_of(&self.test.db, user, 100).await.unwrap()
    }

    pub async fn number(&self, sql: &str) -> i64 {
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        query.fetch_one(self.test.db.pool()).await.unwrap()
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {table}")).await
    }

    /// The first column of each row.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        query.fetch_all(self.test.db.pool()).await.unwrap()
    }

    pub async fn execute(&self, sql: &str) {
        let statement = Statement::new(AssertSqlSafe(sql.to_owned()));
        self.test.db.execute([statement]).await.unwrap();
    }
}

pub fn sign_up(email: &str) -> forms::SignUp {
    SignUpForm {
        email: email.to_owned(),
        password: Secret::new(PASSWORD),
        ..SignUpForm::default()
    }
    .check()
    .unwrap()
}

pub fn sign_in(email: &str, password: &str) -> forms::SignIn {
    SignInForm {
        email: email.to_owned(),
        password: Secret::new(password),
        ..SignInForm::default()
    }
    .check()
    .unwrap()
}

/// A visitor whose browser is tracked.
pub fn visitor() -> Visitor {
    Visitor {
        tracking: Some(PresentIds::Live {
            device: device(),
            session: SessionId::starting_at(NOW - MINUTE),
            source: IdSource::ServerSession,
            context: Box::default(),
        }),
        choice: Choice::Unset,
        privacy_control: false,
        voter: None,
        address: "192.0.2.7".parse().unwrap(),
        known_accounts: Vec::new(),
        user_agent: "Browser/1.0".to_owned(),
        origin: RequestOrigin::default(),
    }
}

/// A visitor who denied consent.
pub fn denying_visitor() -> Visitor {
    Visitor {
        tracking: None,
        choice: Choice::Denied,
        ..visitor()
    }
}

pub fn device() -> DeviceId {
    DeviceId::from_uuid(Uuid::max())
}

pub fn payload(entry: &OutboxEntry) -> Value {
    serde_json::from_str(entry.payload.as_deref().unwrap()).unwrap()
}

/// The form errors of a failed account action.
pub fn form_errors<T>(result: Result<T, AccountError>) -> FieldErrors {
    match result {
        Err(AccountError::FieldErrors(errors)) => errors,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("no errors"),
    }
}

/// The form errors of a failed poll action.
pub fn poll_errors<T>(result: Result<T, PollError>) -> FieldErrors {
    match result {
        Err(PollError::FieldErrors(errors)) => errors,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("no errors"),
    }
}
