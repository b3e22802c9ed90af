//! Every table has a retention rule, and a server that starts removes what has expired.

use std::collections::BTreeSet;

use db::testing::{TestDb, engines};
use db::{Engine, Statement};
use sqlx::AssertSqlSafe;

use crate::support::{TestApp, until};

const DOC: &str = include_str!("../../../../docs/retention.md");

/// The cells of each row of the document's table.
fn rules() -> Vec<Vec<&'static str>> {
    let rows = DOC.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

async fn tables(engine: Engine) -> BTreeSet<String> {
    let test = TestDb::new(engine).await;
    let sql = match engine {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(test.db.pool()).await.unwrap();
    // sqlx's own record of the migrations.
    names
        .into_iter()
        .filter(|name| name != "_sqlx_migrations")
        .collect()
}

#[tokio::test]
async fn every_table_has_a_retention_rule() {
    let documented: Vec<String> = rules()
        .iter()
        .map(|cells| cells[0].trim_matches('`').to_owned())
        .collect();
    let unique: BTreeSet<String> = documented.iter().cloned().collect();
    assert_eq!(unique.len(), documented.len(), "a table has two rules");
    for engine in engines() {
        assert_eq!(unique, tables(engine).await, "{engine:?}: docs/retention.md");
    }
    for cells in rules() {
        assert!(
            cells.len() == 5 && cells.iter().all(|cell| !cell.is_empty()),
            "{cells:?}"
        );
    }
}

#[test]
fn the_document_names_every_sweep() {
    let documented: BTreeSet<&str> = rules()
        .iter()
        .flat_map(|cells| cells[4].split(';'))
        .filter_map(|rule| rule.trim().strip_prefix("sweep: "))
        .collect();
    let sweeps: BTreeSet<&str> = backend::retention::sweep_names().collect();
    assert_eq!(documented, sweeps);
}

#[tokio::test]
async fn a_server_that_starts_removes_expired_rows() {
    for engine in engines() {
        let before = TestDb::new(engine).await;
        for sql in [
            "INSERT INTO users (id, email, email_key, password_hash, account_type, consent, created_at)
             VALUES ('ada', 'ada@example.com', 'ada@example.com', 'x', 'free', 'unset', 1)",
            "INSERT INTO logins (id, user_id, created_at, last_seen_at, user_agent, ended_at, ended_by)
             VALUES ('old', 'ada', 1, 1, '', 1, 'sign_out')",
            "INSERT INTO handoffs (click, user_id, action, consented, created_at) VALUES ('old', 'ada', 'cancel', 1, 1)",
            "INSERT INTO portal_visits (id, user_id, created_at) VALUES ('old', 'ada', 1)",
            "INSERT INTO sdk_sightings (device_id, session_id, user_id, seen_at) VALUES ('old', 1, 'ada', 1)",
            "INSERT INTO stripe_inbox (event_id, lane, event_type, payload, enqueued_ms, state, next_attempt_ms, parked_ms,
                                       parked_reason)
             VALUES ('old', 'old', 'customer.updated', '{\"email\":\"ada@example.com\"}', 1, 'parked', 1, 1, 'unknown')",
            "INSERT INTO outbox (insert_id, lane, event_type, time_ms, payload, state, next_attempt_ms, enqueued_ms, parked_ms,
                                 parked_reason)
             VALUES ('old', 'ada', 'Sign-up completed', 1, '{}', 'parked', 1, 1, 1, 'too large')",
        ] {
            before.db.execute([Statement::new(sql)]).await.unwrap();
        }
        let app = TestApp::with(engine, &[("DATABASE_URL", &before.url)]).await;
        for table in [
            "logins",
            "handoffs",
            "portal_visits",
            "sdk_sightings",
            "stripe_inbox",
            "outbox",
        ] {
            let count = format!("SELECT COUNT(*) FROM {table}");
            until(table, async || {
                let rows: i64 = sqlx::query_scalar(AssertSqlSafe(count.clone()))
                    .fetch_one(before.db.pool())
                    .await
                    .unwrap();
                (rows == 0).then_some(())
            })
            .await;
        }
        let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users")
            .fetch_one(before.db.pool())
            .await
            .unwrap();
        assert_eq!(users, 1, "{engine:?}: accounts are kept");
        app.stop().await;
    }
}
