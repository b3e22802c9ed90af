//! Behavior that both engines must share, and the parity of their migrations.

#![expect(
    clippy::unwrap_used,
    reason = "also in helpers of the tests, where clippy does not allow it by default"
)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use db::testing::{TestDb, empty_postgres, engines};
use db::{Db, Engine, PoolSizes, Statement};
use sqlx::{AssertSqlSafe, Row};

#[tokio::test]
async fn committed_writes_are_read_back_with_their_types() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let mut tx = test.db.write().await.unwrap();
        sqlx::query("CREATE TABLE items (id TEXT PRIMARY KEY, at_ms BIGINT NOT NULL, note TEXT)")
            .execute(&mut *tx)
            .await
            .unwrap();
        let returned =
            sqlx::query("INSERT INTO items (id, at_ms, note) VALUES ($1, $2, $3) RETURNING at_ms, note")
                .bind("a")
                .bind(1_795_000_000_000_i64)
                .bind(None::<String>)
                .fetch_one(&mut *tx)
                .await
                .unwrap();
        assert_eq!(returned.get::<i64, _>("at_ms"), 1_795_000_000_000, "{engine:?}");
        assert_eq!(returned.get::<Option<String>, _>("note"), None, "{engine:?}");
        tx.commit().await.unwrap();

        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM items")
            .fetch_one(test.db.pool())
            .await
            .unwrap();
        assert_eq!(count, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn dropping_a_transaction_rolls_it_back() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        test.db
            .execute([Statement::new("CREATE TABLE items (id TEXT PRIMARY KEY)")])
            .await
            .unwrap();
        let mut tx = test.db.write().await.unwrap();
        sqlx::query("INSERT INTO items (id) VALUES ($1)")
            .bind("a")
            .execute(&mut *tx)
            .await
            .unwrap();
        drop(tx);
        let mut next = test.db.write().await.unwrap();
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM items")
            .fetch_one(&mut *next)
            .await
            .unwrap();
        assert_eq!(count, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn canceling_begin_leaves_no_transaction_open() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = &test.db;
        db.execute([Statement::new("CREATE TABLE items (id TEXT PRIMARY KEY)")])
            .await
            .unwrap();
        for polls in 0..8 {
            // A browser that closes the connection cancels the request at any await point.
            cancel_after(polls, db.write()).await;
            let row = Statement::new("INSERT INTO items (id) VALUES ($1)").bind(polls.to_string());
            db.execute([row]).await.unwrap();
        }
        let second_pool = Db::open(&test.url).await.unwrap();
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM items")
            .fetch_one(second_pool.pool())
            .await
            .unwrap();
        assert_eq!(count, 8, "{engine:?}");
        second_pool.close().await;
    }
}

/// Polls `future` up to `polls` times, then drops it. Each poll follows a wake-up.
async fn cancel_after(mut polls: usize, future: impl Future) {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        future.as_mut().poll(context).map(drop)
    })
    .await;
}

#[tokio::test]
async fn many_writers_queue_instead_of_failing() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        for sql in [
            "CREATE TABLE counter (n BIGINT NOT NULL)",
            "INSERT INTO counter (n) VALUES (0)",
        ] {
            test.db.execute([Statement::new(sql)]).await.unwrap();
        }
        let writers = (0..40).map(|_| {
            let db = test.db.clone();
            tokio::spawn(async move {
                let mut tx = db.write().await.unwrap();
                sqlx::query("UPDATE counter SET n = n + 1")
                    .execute(&mut *tx)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let n: i64 = sqlx::query_scalar("SELECT n FROM counter")
            .fetch_one(test.db.pool())
            .await
            .unwrap();
        assert_eq!(n, 40, "{engine:?}");
    }
}

/// Returns the value of a setting of the connection.
async fn pragma(connection: &mut db::Connection, name: &str) -> String {
    let query = sqlx::query(AssertSqlSafe(format!("PRAGMA {name}")));
    let row = query.fetch_one(connection).await.unwrap();
    row.try_get::<String, _>(0)
        .unwrap_or_else(|_| row.get::<i64, _>(0).to_string())
}

/// A commit is on the disk before it returns: `synchronous` is FULL (2) on the connection that writes. The others cannot
/// write.
#[tokio::test]
async fn every_sqlite_connection_has_its_settings() {
    let test = TestDb::new(Engine::Sqlite).await;
    let mut writer = test.db.write().await.unwrap();
    for (name, expected) in [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("fullfsync", "1"),
        ("foreign_keys", "1"),
        ("busy_timeout", "10000"),
    ] {
        assert_eq!(pragma(&mut writer, name).await, expected, "{name}");
    }
    let readers = PoolSizes::default().sqlite_readers;
    let mut connections = Vec::new();
    for _ in 0..readers {
        let mut reader = test.db.pool().acquire().await.unwrap();
        for (name, expected) in [
            ("journal_mode", "wal"),
            ("query_only", "1"),
            ("busy_timeout", "10000"),
        ] {
            assert_eq!(pragma(&mut reader, name).await, expected, "{name}");
        }
        connections.push(reader);
    }
}

#[tokio::test]
async fn a_write_through_the_sqlite_readers_fails() {
    let test = TestDb::new(Engine::Sqlite).await;
    let error = sqlx::query("CREATE TABLE items (id TEXT PRIMARY KEY)")
        .execute(test.db.pool())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("readonly"), "{error}");
}

#[tokio::test]
async fn postgres_limits_statements_locks_and_idle_transactions() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let test = TestDb::new(Engine::Postgres).await;
    for (name, expected) in [
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(test.db.pool())
            .await
            .unwrap();
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn opening_a_migrated_database_succeeds() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        Db::open(&test.url).await.unwrap();
    }
}

#[tokio::test]
async fn an_unknown_engine_is_rejected_without_showing_the_url() {
    let error = Db::open("mysql://someone:secret@host/db")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("sqlite:"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |folder: &str| {
        let path = format!("../../migrations/{folder}");
        let mut names: Vec<_> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}

#[tokio::test]
async fn servers_that_start_together_all_start() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let url = empty_postgres().await;
    // One migrates, also with `CREATE INDEX CONCURRENTLY`, which waits for the statements of all others.
    let servers = (0..6).map(|_| Db::open(&url));
    for server in futures::future::join_all(servers).await {
        server.unwrap().close().await;
    }
}
