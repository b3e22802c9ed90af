//! The SQL of this measurement: the writes of a sign-up without its event. A test compares them with the real sign-up.

use backend::ids;
use db::{Engine, Statement};
use queue::{NewRow, Queue};

/// The queue of mails. No mail is claimed here.
const MAILS: Queue = Queue {
    table: "mails",
    columns: "",
    on_done: "",
    on_parked: "",
};

/// The statements that insert an account, its first login and its first mail, as a sign-up does.
pub(super) fn insert_account(engine: Engine, user: &str, login: &str, now_ms: i64) -> Vec<Statement> {
    let email = format!("{user}@example.com");
    let account = Statement::new(
        "INSERT INTO users (id, email, email_key, password_hash, account_type, consent, created_at)
         SELECT $1, $2, $3, $4, 'free', $5, $6
         WHERE NOT EXISTS (SELECT 1 FROM users WHERE email_key = $7)
           AND NOT EXISTS (SELECT 1 FROM users WHERE email_key = $8)
         ON CONFLICT (email_key) DO NOTHING",
    )
    .bind(user)
    .bind(email.as_str())
    .bind(email.as_str())
    .bind("$argon2id$v=19$m=19456,t=2,p=1$c2VhbWxpbmUtbm9ib2R5$4VPuPWXFUgfYJTmN6Y2E0oYqVxUbrM2nVJv2Y2nqkaQ")
    .bind("unset")
    .bind(now_ms)
    .bind(email.as_str())
    .bind(email.as_str());
    let login = Statement::new(
        "INSERT INTO logins (id, user_id, created_at, last_seen_at, user_agent) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(login)
    .bind(user)
    .bind(now_ms)
    .bind(now_ms)
    .bind("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let mail = NewRow::new(ids::row().to_string(), now_ms)
        .with("user_id", user)
        .with("kind", "verify_email")
        .with("recipient", email)
        .with("detail", None::<String>);
    let mail = MAILS.insert_statements(engine, mail);
    [account, login].into_iter().chain(mail).collect()
}
