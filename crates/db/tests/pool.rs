//! The pool of connections: what a caller that is dropped leaves behind, and what the pool refuses.

use std::time::Duration;

use db::testing::{TestDb, engines};
use db::{Db, Engine, PoolSizes};
use futures::FutureExt as _;
use sqlx::Connection as _;

/// A database of which each caller gets the same connection.
async fn one_connection(test: &TestDb) -> Db {
    let sizes = PoolSizes {
        postgres: 1,
        sqlite_readers: 1,
    };
    let db = Db::open_with(&test.url, sizes).await.unwrap();
    db.execute(sqlx::query("CREATE TABLE items (id BIGINT PRIMARY KEY)"))
        .await
        .unwrap();
    db
}

async fn items(db: &Db) -> Vec<i64> {
    sqlx::query_scalar("SELECT id FROM items ORDER BY id")
        .fetch_all(db.pool())
        .await
        .unwrap()
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
async fn a_connection_whose_caller_was_dropped_during_a_query_works() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = one_connection(&test).await;
        let slow = match engine {
            Engine::Sqlite => {
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT COUNT(*) FROM n"
            }
            Engine::Postgres => "SELECT COUNT(*) FROM pg_sleep(0.2)",
        };
        let mut query = sqlx::query_scalar::<_, i64>(slow).fetch_one(db.pool()).boxed();
        let early = tokio::time::timeout(Duration::from_millis(5), &mut query).await;
        assert!(early.is_err(), "{engine:?}: the query is under way");
        drop(query);
        assert_eq!(items(&db).await, [0_i64; 0], "{engine:?}");
        assert_eq!(db.pool().open_and_idle(), (1, 1), "{engine:?}");
    }
}

#[tokio::test]
async fn a_connection_that_cannot_roll_back_is_replaced() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let test = TestDb::new(Engine::Postgres).await;
    let db = one_connection(&test).await;
    let mut tx = db.write().await.unwrap();
    let process: i64 = sqlx::query_scalar("SELECT CAST(pg_backend_pid() AS BIGINT)")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    let mut other = sqlx::AnyConnection::connect(&test.url).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend(CAST($1 AS INT))")
        .bind(process)
        .execute(&mut other)
        .await
        .unwrap();
    drop(tx);
    assert_eq!(items(&db).await, [0_i64; 0]);
}

#[tokio::test]
async fn a_closed_pool_lends_nothing() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = one_connection(&test).await;
        db.close().await;
        let refused = db.pool().acquire().await;
        assert!(matches!(refused, Err(sqlx::Error::PoolClosed)), "{engine:?}");
    }
}
