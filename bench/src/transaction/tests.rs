//! The measured transaction writes the same rows as the real sign-up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use backend::accounts::Accounts;
use backend::{RequestOrigin, Visitor};
use db::testing::{TestDb, engines};
use forms::{Secret, SignUpForm};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Row};
use tracking::Choice;

use super::*;

/// Number of rows in each table that the transaction of a sign-up may write. The throttle counts in a transaction of its own,
/// before the password is hashed.
async fn rows(db: &Db) -> BTreeMap<&'static str, i64> {
    let mut rows = BTreeMap::new();
    for table in [
        "users",
        "logins",
        "mails",
        "mails_lanes",
        "login_cookies",
        "outbox",
        "outbox_lanes",
    ] {
        // The table names are constants.
        let count = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")));
        rows.insert(table, count.fetch_one(db.pool()).await.unwrap());
    }
    rows
}

/// The values that are equal for all users, and the keys of the payload.
async fn shared_values(db: &Db) -> Vec<String> {
    let row = sqlx::query(
        "SELECT account_type, consent, event_type, state, payload FROM users
         JOIN logins ON logins.user_id = users.id AND logins.created_at = users.created_at
         JOIN outbox ON outbox.lane = users.id AND outbox.time_ms = users.created_at
         ORDER BY outbox.sequence DESC LIMIT 1",
    )
    .fetch_one(db.pool())
    .await
    .unwrap();
    let texts = ["account_type", "consent", "event_type", "state"];
    let mut shared_values: Vec<String> = texts.iter().map(|column| row.try_get(*column).unwrap()).collect();
    let payload: Map<String, Value> =
        serde_json::from_str(&row.try_get::<String, _>("payload").unwrap()).unwrap();
    shared_values.extend(payload.into_iter().map(|(key, _)| key));
    shared_values
}

#[tokio::test]
async fn the_measured_transaction_writes_the_rows_of_a_sign_up() {
    for engine in engines() {
        let real = TestDb::new(engine).await;
        let wakeup = outbox::Wakeup::new();
        let accounts = Accounts::new(real.db.clone(), Clock::system(), wakeup, false);
        let form = SignUpForm {
            email: "ada@example.com".into(),
            password: Secret::new("correct horse battery"),
            ..SignUpForm::default()
        };
        let session = SessionId::starting_at(Clock::system().now_ms());
        let visitor = Visitor {
            voter: None,
            tracking: Some(PresentIds::Live {
                device: ids::device(),
                session,
                source: IdSource::ServerSession,
                context: Box::default(),
            }),
            choice: Choice::Unset,
            privacy_control: false,
            address: IpAddr::from([127, 0, 0, 1]),
            known_accounts: Vec::new(),
            user_agent: "a browser".into(),
            origin: RequestOrigin::default(),
        };
        accounts.sign_up(form.check().unwrap(), &visitor).await.unwrap();

        let measured = TestDb::new(engine).await;
        sign_up(&measured.db, true).await.unwrap();
        assert_eq!(rows(&measured.db).await, rows(&real.db).await, "{engine:?}");
        assert_eq!(
            shared_values(&measured.db).await,
            shared_values(&real.db).await,
            "{engine:?}"
        );

        let untracked = TestDb::new(engine).await;
        sign_up(&untracked.db, false).await.unwrap();
        let rows = rows(&untracked.db).await;
        assert_eq!(
            (
                rows["users"],
                rows["logins"],
                rows["outbox"],
                rows["outbox_lanes"]
            ),
            (1, 1, 0, 0),
            "{engine:?}"
        );
    }
}
