//! Verbs over a fresh database, under a clock that the test moves.

use std::sync::Arc;

use backend::Visitor;
use backend::accounts::links::LinkSecret;
use backend::accounts::{AccountError, Accounts, Login};
use backend::clock::Clock;
use backend::mail::{KeptMail, Mailbox, Sender};
use backend::polls::{PollError, Polls};
use db::Engine;
use db::testing::TestDb;
use forms::{FieldErrors, Secret, SignInForm, SignUpForm};
use outbox::{Entry, Nudge};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tracking::{Choice, ConsentDefault, DeviceId, Found, PresentIds, SessionId, UserId};
use uuid::Uuid;

/// Where the clock starts: 2026-11-18 11:06:40 UTC.
pub const NOW: i64 = 1_795_000_000_000;
pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 24 * 60 * MINUTE;

pub const PASSWORD: &str = "correct horse battery";

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
        let accounts = Accounts::new(test.db.clone(), clock.clone(), Nudge::new(), false);
        let polls = Polls::new(
            test.db.clone(),
            clock.clone(),
            Nudge::new(),
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

    /// The verbs of another server on the same database, under the same clock.
    pub async fn another_server(&self) -> Polls {
        let db = db::Db::open(&self.test.url).await.unwrap();
        Polls::new(db, self.clock.clone(), Nudge::new(), ConsentDefault::Granted)
    }

    /// As billing does.
    pub async fn set_plan(&self, user: UserId, plan: &str) {
        self.execute(&format!(
            "UPDATE users SET account_type = '{plan}' WHERE id = '{user}'"
        ))
        .await;
    }

    /// Writes the mails that wait, and puts them into the mailbox.
    pub async fn deliver_mails(&self) {
        self.sender().drain().await.unwrap();
    }

    /// A sender that fills the mailbox.
    pub fn sender(&self) -> Sender {
        Sender::new(
            self.test.db.clone(),
            self.clock.clone(),
            Arc::new(Mailbox::new(self.test.db.clone())),
            "https://demo.example".parse().unwrap(),
            self.accounts.mails_written(),
        )
    }

    /// Mails to an address, newest first, after all that wait are delivered.
    pub async fn mails_to(&self, email: &str) -> Vec<KeptMail> {
        self.deliver_mails().await;
        Mailbox::new(self.test.db.clone())
            .letters(Some(email))
            .await
            .unwrap()
    }

    /// Subjects of the mails to an address, newest first.
    pub async fn subjects_to(&self, email: &str) -> Vec<String> {
        let mails = self.mails_to(email).await;
        mails.into_iter().map(|mail| mail.letter.subject).collect()
    }

    /// The secret of the newest link of that subject.
    pub async fn link_in(&self, email: &str, subject: &str) -> LinkSecret {
        let mails = self.mails_to(email).await;
        let mail = mails.into_iter().find(|mail| mail.letter.subject == subject);
        let action = mail
            .unwrap_or_else(|| panic!("no {subject}"))
            .letter
            .action
            .unwrap();
        LinkSecret::parse(action.url.rsplit('/').next().unwrap()).unwrap()
    }

    /// The person's outbox rows, oldest first.
    pub async fn events_of(&self, user: UserId) -> Vec<Entry> {
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
        sqlx::query(AssertSqlSafe(sql.to_owned()))
            .execute(self.test.db.pool())
            .await
            .unwrap();
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

/// Somebody in a browser that is tracked.
pub fn visitor() -> Visitor {
    Visitor {
        tracking: Some(PresentIds::Live {
            device: device(),
            session: SessionId::starting_at(NOW - MINUTE),
            found: Found::ServerSession,
        }),
        choice: Choice::Unset,
        privacy_control: false,
        voter: None,
        address: "192.0.2.7".parse().unwrap(),
        user_agent: "Browser/1.0".to_owned(),
    }
}

/// Somebody who said no.
pub fn refusing() -> Visitor {
    Visitor {
        tracking: None,
        choice: Choice::Denied,
        ..visitor()
    }
}

pub fn device() -> DeviceId {
    DeviceId::minted(Uuid::max())
}

pub fn payload(entry: &Entry) -> Value {
    serde_json::from_str(entry.payload.as_deref().unwrap()).unwrap()
}

/// What is wrong with the form.
pub fn faults<T>(answer: Result<T, AccountError>) -> FieldErrors {
    match answer {
        Err(AccountError::FieldErrors(faults)) => faults,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("no faults"),
    }
}

/// What is wrong with the wish.
pub fn poll_faults<T>(answer: Result<T, PollError>) -> FieldErrors {
    match answer {
        Err(PollError::FieldErrors(faults)) => faults,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("no faults"),
    }
}
