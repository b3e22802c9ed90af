//! Everything that we hold of a person, for them to take along.

mod store;

use serde::Serialize;
use tracking::UserId;
use uuid::Uuid;

use crate::Backend;
use crate::accounts::Login;

/// The download. Moments are ISO 8601, UTC.
#[derive(Debug, Serialize)]
pub struct Export {
    exported_at: String,
    account: Account,
    logins: Vec<LoginRow>,
    polls: Vec<Poll>,
    votes: Vec<Vote>,
}

#[derive(Debug, Serialize)]
struct Account {
    id: UserId,
    email: String,
    email_verified_at: Option<String>,
    account_type: String,
    tracking_consent: String,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct LoginRow {
    id: Uuid,
    began_at: String,
    last_seen_at: String,
    browser: String,
    ended_at: Option<String>,
    ended_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct Poll {
    id: Uuid,
    question: String,
    options: Vec<String>,
    multiple_choice: bool,
    created_at: String,
    closes_at: Option<String>,
    closed_at: Option<String>,
    deleted_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct Vote {
    id: Uuid,
    poll: Uuid,
    question: String,
    choices: Vec<String>,
    cast_at: String,
    changed_at: String,
}

impl Backend {
    /// The person's data. Not in it: the password's hash, and what Amplitude has, which the timeline shows.
    pub async fn export(&self, login: &Login) -> Result<Export, sqlx::Error> {
        let pool = self.db.pool();
        let user = login.user.id;
        Ok(Export {
            exported_at: crate::dates::instant(self.clock.now_ms()),
            account: store::account(pool, user).await?,
            logins: store::logins(pool, user).await?,
            polls: store::polls(pool, user).await?,
            votes: store::votes(pool, user).await?,
        })
    }
}
