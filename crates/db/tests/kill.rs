//! Kills a writing process with SIGKILL. Every acknowledged transaction must be there afterwards, and no half of one.
//! The test starts its own program again as the process that is killed.

#![expect(
    clippy::unwrap_used,
    reason = "also in helpers of the tests, where clippy does not allow it by default"
)]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use db::testing::{TestDb, engines};
use db::{Db, Engine, Statement};

/// In the child process: the database's URL.
const DATABASE: &str = "KILL_TEST_DATABASE";
/// In the child process: the prefix of its IDs.
const PREFIX: &str = "KILL_TEST_PREFIX";

const WRITERS: usize = 32;

/// Starts this program as a child that runs one of the ignored tests below.
fn start(test: &str, url: &str, prefix: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(DATABASE, url)
        .env(PREFIX, prefix)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn say(word: &str, id: &str) {
    // One write per line: the threads share the pipe.
    let line = format!("{word} {id}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

fn said(line: &str, word: &str) -> Option<String> {
    let (before, id) = line.split_once(' ')?;
    // The test harness does not end its own line before the first one of the test.
    before.ends_with(word).then(|| id.to_owned())
}

/// Inserts the two rows of a transaction.
async fn insert(connection: &mut db::Connection, id: &str) {
    for half in 0..2 {
        sqlx::query("INSERT INTO halves (id, half) VALUES ($1, $2)")
            .bind(id)
            .bind(half)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in the child process"]
async fn writer_process() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let prefix = std::env::var(PREFIX).unwrap();
    let db = Db::open(&url).await.unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let (db, prefix) = (db.clone(), prefix.clone());
        tokio::spawn(async move {
            for n in 0.. {
                let id = format!("{prefix}-{writer}-{n}");
                let mut tx = db.write().await.unwrap();
                insert(&mut tx, &id).await;
                tx.commit().await.unwrap();
                say("acknowledged", &id);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test]
#[ignore = "runs in the child process"]
async fn group_process() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let db = Db::open(&url).await.unwrap();
    let mut tx = db.write().await.unwrap();
    insert(&mut tx, "before").await;
    tx.commit().await.unwrap();
    say("acknowledged", "before");

    let mut first = db.write().await.unwrap();
    insert(&mut first, "first").await;
    let second = {
        let db = db.clone();
        tokio::spawn(async move {
            let mut second = db.write().await.unwrap();
            insert(&mut second, "second").await;
            say("holding", "second");
            std::future::pending::<()>().await;
        })
    };
    tokio::task::yield_now().await;
    first.commit().await.unwrap();
    say("acknowledged", "first");
    second.await.unwrap();
}

/// The IDs with both rows.
async fn transactions(db: &Db) -> HashSet<String> {
    let halves: Vec<(String, i64)> = sqlx::query_as("SELECT id, COUNT(*) FROM halves GROUP BY id")
        .fetch_all(db.pool())
        .await
        .unwrap();
    halves
        .into_iter()
        .map(|(id, count)| {
            assert_eq!(count, 2, "half of the transaction {id}");
            id
        })
        .collect()
}

async fn database(engine: Engine) -> TestDb {
    let test = TestDb::new(engine).await;
    let create = Statement::new(
        "CREATE TABLE halves (id TEXT NOT NULL, half BIGINT NOT NULL, PRIMARY KEY (id, half))",
    );
    test.db.execute([create]).await.unwrap();
    test
}

#[tokio::test]
async fn killed_writers_lose_no_acknowledged_transaction() {
    for engine in engines() {
        let test = database(engine).await;
        let mut acknowledged = HashSet::new();
        for round in 0..10_u32 {
            let (mut child, output) = start("writer_process", &test.url, &round.to_string());
            let mut lines = output.lines().map(Result::unwrap);
            // Each round is killed after another number of acknowledgments, in the middle of the next groups.
            let before_kill = 1 + 13 * round as usize;
            let read = lines.by_ref().filter_map(|line| said(&line, "acknowledged"));
            acknowledged.extend(read.take(before_kill));
            child.kill().unwrap();
            // What is still in the pipe was acknowledged as well.
            acknowledged.extend(lines.filter_map(|line| said(&line, "acknowledged")));
            child.wait().unwrap();
        }
        let found = transactions(&test.db).await;
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "{engine:?} lost {lost:?}");
        assert!(
            acknowledged.len() > 500,
            "{engine:?}: only {}",
            acknowledged.len()
        );
    }
}

#[tokio::test]
async fn a_kill_between_the_members_of_a_group_loses_only_what_was_not_acknowledged() {
    let test = database(Engine::Sqlite).await;
    let (mut child, output) = start("group_process", &test.url, "");
    let mut acknowledged = HashSet::new();
    for line in output.lines().map(Result::unwrap) {
        acknowledged.extend(said(&line, "acknowledged"));
        if said(&line, "holding").is_some() {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert_eq!(acknowledged, HashSet::from(["before".to_owned()]));
    assert_eq!(transactions(&test.db).await, acknowledged);
}
