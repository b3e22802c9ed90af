//! The migrations of the queues keep the rows that wait: a database of the previous schema is filled and migrated.

#![expect(
    clippy::unwrap_used,
    reason = "also in helpers of the tests, where clippy does not allow it by default"
)]

use std::borrow::Cow;
use std::path::Path;

use db::testing::{empty_postgres, engines};
use db::{Db, Engine};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;

/// A database whose schema has the migrations before `version` only.
struct OldDb {
    url: String,
    _folder: tempfile::TempDir,
}

impl OldDb {
    async fn before(engine: Engine, version: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (url, migrations) = match engine {
            Engine::Sqlite => {
                let file = folder.path().join("old.db");
                (
                    format!("sqlite:{}?mode=rwc", file.display()),
                    "../../migrations/sqlite",
                )
            }
            Engine::Postgres => (empty_postgres().await, "../../migrations/postgres"),
        };
        let mut migrator = Migrator::new(Path::new(migrations)).await.unwrap();
        let old = migrator
            .migrations
            .iter()
            .filter(|migration| migration.version < version);
        migrator.migrations = Cow::Owned(old.cloned().collect());
        let old = Self { url, _folder: folder };
        let pool = old.pool().await;
        migrator.run(&pool).await.unwrap();
        pool.close().await;
        old
    }

    async fn pool(&self) -> sqlx::AnyPool {
        sqlx::any::install_default_drivers();
        AnyPoolOptions::new()
            .max_connections(1)
            .connect(&self.url)
            .await
            .unwrap()
    }

    async fn fill(&self, statements: &[&'static str]) {
        let pool = self.pool().await;
        for sql in statements {
            sqlx::query(*sql)
                .execute(&pool)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        pool.close().await;
    }
}

/// Returns each row as the texts of its columns, separated by `|`.
async fn rows(db: &Db, columns: &[&str], table_and_order: &str) -> Vec<String> {
    let columns: Vec<_> = columns
        .iter()
        .map(|column| format!("COALESCE(CAST({column} AS TEXT), '-')"))
        .collect();
    let sql = format!("SELECT {} FROM {table_and_order}", columns.join(" || '|' || "));
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(db.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_outbox_keeps_its_rows_and_lanes_are_due_as_their_first_row() {
    for engine in engines() {
        let old = OldDb::before(engine, 20_261_127_000_700).await;
        old.fill(&[
            "INSERT INTO outbox_lanes (lane, last_enqueued_ms) VALUES ('ann', 1), ('bob', 1), ('cid', 1)",
            "INSERT INTO outbox (insert_id, lane, device_id, event_type, time_ms, payload, state, attempts, next_attempt_ms,
                                 first_unknown_ms, lease_owner, lease_until_ms, enqueued_ms, sent_ms, parked_ms,
                                 parked_reason, last_error)
             VALUES ('e1', 'ann', 'd', 'A', 5, '{}', 'sent', 1, 1, NULL, NULL, NULL, 1, 7, NULL, NULL, NULL),
                    ('e2', 'ann', 'd', 'A', 5, '{\"x\":1}', 'pending', 2, 20, 3, NULL, NULL, 2, NULL, NULL, NULL, '503'),
                    ('e3', 'ann', NULL, 'A', 5, '{}', 'pending', 0, 3, NULL, NULL, NULL, 3, NULL, NULL, NULL, NULL),
                    ('e4', 'bob', 'd', 'A', 5, '{}', 'leased', 1, 4, 9, 'crashed', 99, 4, NULL, NULL, NULL, NULL),
                    ('e5', 'cid', 'd', 'A', 5, '{}', 'parked', 1, 5, NULL, NULL, NULL, 5, NULL, 8, 'too large', NULL),
                    ('e6', 'cid', 'd', 'A', 5, '{}', 'pending', 0, 6, NULL, NULL, NULL, 6, NULL, NULL, NULL, NULL)",
            "DELETE FROM outbox WHERE insert_id = 'e6'",
        ])
        .await;
        let db = Db::open(&old.url).await.unwrap();
        let columns = [
            "insert_id",
            "lane",
            "state",
            "attempts",
            "next_attempt_ms",
            "first_unknown_ms",
            "payload",
            "device_id",
        ];
        assert_eq!(
            rows(&db, &columns, "outbox ORDER BY sequence").await,
            [
                "e1|ann|sent|1|1|-|-|-",
                "e2|ann|pending|2|20|3|{\"x\":1}|d",
                "e3|ann|pending|0|3|-|{}|-",
                "e4|bob|pending|1|4|9|{}|d",
                "e5|cid|parked|1|5|-|{}|d",
            ],
            "{engine:?}"
        );
        assert_eq!(
            rows(
                &db,
                &["lane", "next_due_ms", "lease_owner"],
                "outbox_lanes ORDER BY lane"
            )
            .await,
            ["ann|20|-", "bob|4|-"],
            "{engine:?}"
        );
        let mut tx = db.write().await.unwrap();
        let next: i64 = sqlx::query_scalar(
            "INSERT INTO outbox (insert_id, lane, event_type, time_ms, payload, next_attempt_ms, enqueued_ms)
             VALUES ('e7', 'ann', 'A', 5, '{}', 1, 1) RETURNING sequence",
        )
        .fetch_one(&mut *tx)
        .await
        .unwrap();
        assert_eq!(next, 7, "{engine:?}: the number of a deleted row is not reused");
    }
}

#[tokio::test]
async fn mails_keep_their_addresses_and_settled_ones_their_state() {
    for engine in engines() {
        let old = OldDb::before(engine, 20_261_127_000_701).await;
        old.fill(&[
            "INSERT INTO mails (id, kind, recipient, detail, created_at, state, attempts, next_attempt_at, lease_owner,
                                lease_until, settled_at, last_error)
             VALUES ('m2', 'verify_email', 'b@x', 'd', 2, 'pending', 1, 20, NULL, NULL, NULL, '451'),
                    ('m1', 'verify_email', 'a@x', NULL, 1, 'leased', 1, 10, 'crashed', 99, NULL, NULL),
                    ('m3', 'verify_email', NULL, NULL, 3, 'sent', 1, 3, NULL, NULL, 30, NULL),
                    ('m4', 'verify_email', NULL, NULL, 4, 'dropped', 1, 4, NULL, NULL, 40, NULL),
                    ('m5', 'verify_email', NULL, NULL, 5, 'parked', 12, 5, NULL, NULL, 50, '550')",
        ])
        .await;
        let db = Db::open(&old.url).await.unwrap();
        let columns = [
            "lane",
            "state",
            "recipient",
            "attempts",
            "settled_ms",
            "parked_ms",
            "parked_reason",
            "last_error",
        ];
        assert_eq!(
            rows(&db, &columns, "mails ORDER BY sequence").await,
            [
                "m1|pending|a@x|1|-|-|-|-",
                "m2|pending|b@x|1|-|-|-|451",
                "m3|sent|-|1|30|-|-|-",
                "m4|dropped|-|1|40|-|-|-",
                "m5|parked|-|12|50|50|550|550",
            ],
            "{engine:?}"
        );
        assert_eq!(
            rows(&db, &["lane", "next_due_ms"], "mails_lanes ORDER BY lane").await,
            ["m1|10", "m2|20"],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn account_deletions_keep_their_step() {
    for engine in engines() {
        let old = OldDb::before(engine, 20_261_127_000_702).await;
        old.fill(&[
            "INSERT INTO account_deletions (user_id, requested_at, step, attempts, next_attempt_at, lease_owner, lease_until,
                                            finished_at, parked_ms, parked_reason)
             VALUES ('u1', 1, 'erase', 2, 10, 'crashed', 99, NULL, NULL, NULL),
                    ('u2', 2, 'amplitude', 1, 20, NULL, NULL, NULL, 25, 'no key'),
                    ('u3', 3, 'done', 0, 30, NULL, NULL, 35, NULL, NULL)",
        ])
        .await;
        let db = Db::open(&old.url).await.unwrap();
        let columns = [
            "lane",
            "state",
            "step",
            "attempts",
            "enqueued_ms",
            "finished_ms",
            "parked_reason",
        ];
        assert_eq!(
            rows(&db, &columns, "account_deletions ORDER BY sequence").await,
            [
                "u1|pending|erase|2|1|-|-",
                "u2|parked|amplitude|1|2|-|no key",
                "u3|done|done|0|3|35|-"
            ],
            "{engine:?}"
        );
        assert_eq!(
            rows(
                &db,
                &["lane", "next_due_ms"],
                "account_deletions_lanes ORDER BY lane"
            )
            .await,
            ["u1|10"],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn webhooks_keep_their_state_and_lanes_are_due_as_their_first_webhook() {
    for engine in engines() {
        let old = OldDb::before(engine, 20_261_127_001_100).await;
        old.fill(&[
            "INSERT INTO stripe_lanes (lane) VALUES ('cus_1'), ('cus_2')",
            "INSERT INTO stripe_inbox (event_id, lane, event_type, payload, received_ms, state, attempts, panics,
                                       next_attempt_ms, settled_ms, events, parked_reason, last_error)
             VALUES ('e2', 'cus_1', 't', '{}', 2, 'pending', 0, 0, 2, NULL, NULL, NULL, NULL),
                    ('e1', 'cus_1', 't', '{\"x\":1}', 1, 'pending', 3, 1, 30, NULL, NULL, NULL, '503'),
                    ('e3', 'cus_2', 't', NULL, 3, 'applied', 1, 0, 3, 33, 2, NULL, NULL),
                    ('e4', 'cus_2', 't', '{}', 4, 'parked', 6, 0, 4, 44, NULL, 'unknown customer', NULL)",
        ])
        .await;
        let db = Db::open(&old.url).await.unwrap();
        let columns = [
            "event_id",
            "lane",
            "state",
            "attempts",
            "panics",
            "enqueued_ms",
            "payload",
            "events",
            "applied_ms",
            "parked_ms",
            "parked_reason",
            "last_error",
        ];
        assert_eq!(
            rows(&db, &columns, "stripe_inbox ORDER BY sequence").await,
            [
                "e1|cus_1|pending|3|1|1|{\"x\":1}|-|-|-|-|503",
                "e2|cus_1|pending|0|0|2|{}|-|-|-|-|-",
                "e3|cus_2|applied|1|0|3|-|2|33|-|-|-",
                "e4|cus_2|parked|6|0|4|{}|-|-|44|unknown customer|-",
            ],
            "{engine:?}"
        );
        assert_eq!(
            rows(&db, &["lane", "next_due_ms"], "stripe_inbox_lanes ORDER BY lane").await,
            ["cus_1|30"],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn changed_addresses_stay_due_or_parked() {
    for engine in engines() {
        let old = OldDb::before(engine, 20_261_127_001_101).await;
        old.fill(&[
            "INSERT INTO stripe_customers (id, created_at, email_due_ms, email_changes, email_failures, email_panics,
                                           email_parked_ms, email_parked_reason)
             VALUES ('cus_1', 1, 10, 2, 3, 1, NULL, NULL), ('cus_2', 1, NULL, 1, 6, 0, 20, 'rejected'),
                    ('cus_3', 1, NULL, 1, 0, 0, NULL, NULL)",
        ])
        .await;
        let db = Db::open(&old.url).await.unwrap();
        let columns = [
            "lane",
            "state",
            "next_attempt_ms",
            "attempts",
            "panics",
            "parked_ms",
            "parked_reason",
        ];
        assert_eq!(
            rows(&db, &columns, "customer_emails ORDER BY sequence").await,
            ["cus_1|pending|10|3|1|-|-", "cus_2|parked|20|6|0|20|rejected"],
            "{engine:?}"
        );
        assert_eq!(
            rows(
                &db,
                &["lane", "next_due_ms"],
                "customer_emails_lanes ORDER BY lane"
            )
            .await,
            ["cus_1|10"],
            "{engine:?}"
        );
    }
}
