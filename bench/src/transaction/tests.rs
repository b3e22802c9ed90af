//! The measured transaction is the real one, as far as the database can tell.

use std::collections::BTreeMap;
use std::net::IpAddr;

use backend::Visitor;
use backend::accounts::Accounts;
use db::testing::{TestDb, engines};
use forms::{Secret, SignUpForm};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Row};
use tracking::Choice;

use super::*;

/// Rows of every table that a sign-up may touch.
async fn rows(db: &Db) -> BTreeMap<&'static str, i64> {
    let mut rows = BTreeMap::new();
    for table in [
        "users",
        "logins",
        "mails",
        "login_cookies",
        "throttles",
        "outbox",
        "outbox_lanes",
    ] {
        // The names are ours.
        let count = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")));
        rows.insert(table, count.fetch_one(db.pool()).await.unwrap());
    }
    rows
}

/// What stands in the columns that do not tell one person from another, and the payload's keys.
async fn facts(db: &Db) -> Vec<String> {
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
    let mut facts: Vec<String> = texts.iter().map(|column| row.try_get(*column).unwrap()).collect();
    let payload: Map<String, Value> =
        serde_json::from_str(&row.try_get::<String, _>("payload").unwrap()).unwrap();
    facts.extend(payload.into_iter().map(|(key, _)| key));
    facts
}

#[tokio::test]
async fn it_writes_what_a_sign_up_writes() {
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
            }),
            choice: Choice::Unset,
            privacy_control: false,
            address: IpAddr::from([127, 0, 0, 1]),
            user_agent: "a browser".into(),
        };
        accounts.sign_up(form.check().unwrap(), &visitor).await.unwrap();

        let measured = TestDb::new(engine).await;
        sign_up(&measured.db, true).await.unwrap();
        assert_eq!(rows(&measured.db).await, rows(&real.db).await, "{engine:?}");
        assert_eq!(facts(&measured.db).await, facts(&real.db).await, "{engine:?}");

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
