//! The pool of connections: what a caller that is dropped leaves behind, and what the pool refuses.

use std::time::Duration;

use db::testing::{TestDb, engines};
use db::{Db, Engine, PoolSizes, Statement};
use futures::FutureExt as _;
use sqlx::Connection as _;

/// A database of which each caller gets the same connection.
async fn one_connection(test: &TestDb) -> Db {
    let sizes = PoolSizes {
        postgres: 1,
        sqlite_readers: 1,
    };
    let db = Db::open_with(&test.url, sizes).await.expect("the database opens");
    db.execute([Statement::new("CREATE TABLE items (id BIGINT PRIMARY KEY)")])
        .await
        .expect("a table");
    db
}

async fn items(db: &Db) -> Vec<i64> {
    sqlx::query_scalar("SELECT id FROM items ORDER BY id")
        .fetch_all(db.pool())
        .await
        .expect("the items")
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_before_its_connection_is_used_again() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = one_connection(&test).await;
        for id in 1..=3 {
            let mut tx = db.write().await.unwrap();
            let insert = sqlx::query("INSERT INTO items (id) VALUES ($1)").bind(id);
            insert.execute(&mut *tx).await.unwrap();
            if id == 2 {
                tx.commit().await.unwrap();
            }
        }
        assert_eq!(items(&db).await, [2], "{engine:?}");
    }
}

#[tokio::test]
async fn a_connection_whose_caller_was_dropped_during_a_query_returns_after_the_query() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = one_connection(&test).await;
        let slow = match engine {
            Engine::Sqlite => {
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT COUNT(*) FROM n"
            }
            Engine::Postgres => "SELECT COUNT(*) FROM pg_sleep(0.5)",
        };
        let mut query = sqlx::query_scalar::<_, i64>(slow).fetch_one(db.pool()).boxed();
        let early = tokio::time::timeout(Duration::from_millis(50), &mut query).await;
        assert!(early.is_err(), "{engine:?}: the query is under way");
        drop(query);
        assert_eq!(db.pool().open_and_idle(), (1, 0), "{engine:?}");
        assert_eq!(items(&db).await, [0_i64; 0], "{engine:?}");
        assert_eq!(db.pool().open_and_idle(), (1, 1), "{engine:?}");
    }
}

#[tokio::test]
async fn the_error_of_a_dropped_caller_does_not_reach_the_next_one() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let test = TestDb::new(Engine::Postgres).await;
    let db = one_connection(&test).await;
    let mut other = sqlx::AnyConnection::connect(&test.url).await.unwrap();
    let mut tx = other.begin().await.unwrap();
    let insert = || Statement::new("INSERT INTO items (id) VALUES (1)");
    insert().execute(&mut tx).await.unwrap();
    // The insert waits for the row of the other transaction, and fails when that is committed.
    let dropped = tokio::time::timeout(Duration::from_millis(50), db.execute([insert()])).await;
    assert!(dropped.is_err(), "the insert is under way");
    tx.commit().await.unwrap();
    assert_eq!(items(&db).await, [1]);
}

/// Ends the server's side of each connection of the test, as a restart of the server does. Returns how many there were.
async fn end_connections(test: &TestDb) -> u64 {
    let mut other = sqlx::AnyConnection::connect(&test.url)
        .await
        .expect("a connection");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended = sqlx::query(end).execute(&mut other).await;
    ended.expect("the connections end").rows_affected()
}

#[tokio::test]
async fn a_broken_connection_fails_one_caller() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let test = TestDb::new(Engine::Postgres).await;
    let db = one_connection(&test).await;
    assert_eq!(
        end_connections(&test).await,
        2,
        "with the one of the test database"
    );
    let first = sqlx::query("SELECT 1").execute(db.pool()).await;
    assert!(
        first.is_err(),
        "the pool does not know yet that the server has ended the connection"
    );
    assert_eq!(items(&db).await, [0_i64; 0]);
}

#[tokio::test]
async fn a_connection_that_broke_while_it_was_idle_fails_no_caller() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let test = TestDb::new(Engine::Postgres).await;
    test.db
        .execute([Statement::new("CREATE TABLE items (id BIGINT PRIMARY KEY)")])
        .await
        .unwrap();
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(test.db.pool().acquire().await.unwrap());
    }
    drop(connections);
    assert_eq!(end_connections(&test).await, 4);
    // The pool tests connections that were idle for longer than 1 s.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for id in 0..4 {
        let mut tx = test.db.write().await.unwrap();
        let insert = sqlx::query("INSERT INTO items (id) VALUES ($1)").bind(id);
        insert.execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_cannot_roll_back_is_replaced() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let test = TestDb::new(Engine::Postgres).await;
    let db = one_connection(&test).await;
    let tx = db.write().await.unwrap();
    end_connections(&test).await;
    drop(tx);
    assert_eq!(items(&db).await, [0_i64; 0]);
}

#[tokio::test]
async fn a_closed_pool_lends_nothing_and_keeps_nothing() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = one_connection(&test).await;
        let in_use = db.pool().acquire().await.unwrap();
        db.close().await;
        drop(in_use);
        assert_eq!(db.pool().open_and_idle(), (0, 0), "{engine:?}");
        let refused = db.pool().acquire().await;
        assert!(matches!(refused, Err(sqlx::Error::PoolClosed)), "{engine:?}");
    }
}
