//! The database crate after power failures, and the proof that the VFS finds writes that were not synced.

#![expect(
    clippy::unwrap_used,
    reason = "also in helpers of the tests, where clippy does not allow it by default"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use db::{Db, Statement};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// A repeatable sequence of coins (xorshift64).
fn coins(seed: u64) -> impl FnMut() -> bool {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state & 1 == 1
    }
}

async fn ids(file: &Path) -> Vec<i64> {
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    let check: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(check, "ok");
    sqlx::query_scalar("SELECT id FROM items ORDER BY id")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

/// With `synchronous = NORMAL` a commit does not sync the WAL: a power failure loses acknowledged rows.
#[tokio::test]
async fn commits_that_were_not_synced_are_lost() {
    power_failure::install();
    let folder = tempfile::tempdir().unwrap();
    for (synchronous, expected) in [("NORMAL", 0), ("FULL", 10)] {
        let file = folder.path().join(format!("{synchronous}.db"));
        let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", file.display()))
            .await
            .unwrap();
        let settings = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; CREATE TABLE items (id INTEGER PRIMARY KEY);
             PRAGMA wal_checkpoint"
        );
        connection.execute(AssertSqlSafe(settings)).await.unwrap();
        for _ in 0..10 {
            connection
                .execute("INSERT INTO items DEFAULT VALUES")
                .await
                .unwrap();
        }
        let into = tempfile::tempdir().unwrap();
        let left = power_failure::fail(&file, into.path(), || false).unwrap();
        assert_eq!(ids(&left).await.len(), expected, "{synchronous}");
    }
}

/// 32 writers in groups, through checkpoints: at any moment the disk has every acknowledged row.
#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_row_survives() {
    power_failure::install();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let db = Db::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let create = "CREATE TABLE items (id INTEGER PRIMARY KEY, filler TEXT NOT NULL)";
    db.execute([Statement::new(create)]).await.unwrap();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..32)
        .map(|writer: i64| {
            let (db, acknowledged) = (db.clone(), acknowledged.clone());
            tokio::spawn(async move {
                for n in 0..200 {
                    let id = writer * 1_000 + n;
                    let insert = Statement::new("INSERT INTO items (id, filler) VALUES ($1, $2)");
                    let insert = insert.bind(id).bind("x".repeat(500));
                    db.execute([insert]).await.unwrap();
                    acknowledged.lock().unwrap().push(id);
                }
            })
        })
        .collect();
    let mut failures = 0_u64;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        // First the rows, then the disk: what was acknowledged before must be there.
        let expected = acknowledged.lock().unwrap().clone();
        failures += 1;
        let into = tempfile::tempdir().unwrap();
        let mut coin = coins(failures);
        let loses_all = failures.is_multiple_of(2);
        let left = power_failure::fail(&file, into.path(), || !loses_all && coin()).unwrap();
        let found = ids(&left).await;
        let lost: Vec<_> = expected
            .iter()
            .filter(|id| found.binary_search(id).is_err())
            .collect();
        assert!(
            lost.is_empty(),
            "{lost:?} of {} rows after failure {failures}",
            expected.len()
        );
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(failures > 5, "only {failures} failures");
}
