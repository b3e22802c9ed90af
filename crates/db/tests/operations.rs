//! What operators do with a database: backups, and versions that share it during a deployment.

use db::testing::{TestDb, engines};
use db::{BackupError, Db, Engine};

#[tokio::test]
async fn an_older_build_opens_a_database_that_a_newer_one_migrated() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT version + 1, 'of the next build', success, checksum, 1 FROM _sqlx_migrations
             ORDER BY version DESC LIMIT 1";
        let mut tx = test.db.write().await.unwrap();
        sqlx::query(newer).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let opened = Db::open(&test.url).await;
        assert!(opened.is_ok(), "{engine:?}: {opened:?}");
    }
}

#[tokio::test]
async fn a_backup_has_what_was_committed() {
    let test = TestDb::new(Engine::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    std::fs::write(folder.path().join("copy.db.partial"), "interrupted").unwrap();
    let mut tx = test.db.write().await.unwrap();
    for statement in [
        "CREATE TABLE items (id TEXT PRIMARY KEY)",
        "INSERT INTO items (id) VALUES ('a')",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    // An open transaction does not delay the copy, and is not in it.
    let mut open = test.db.write().await.unwrap();
    sqlx::query("INSERT INTO items (id) VALUES ('b')")
        .execute(&mut *open)
        .await
        .unwrap();
    db::back_up(&test.url, &file).await.unwrap();
    open.commit().await.unwrap();

    let copy = Db::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM items")
        .fetch_all(copy.pool())
        .await
        .unwrap();
    assert_eq!(ids, ["a"]);
    let again = db::back_up(&test.url, &file).await;
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
}

#[tokio::test]
async fn a_backup_of_no_database_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    let missing = db::back_up("sqlite:/no/such/file.db", &file).await;
    assert!(matches!(missing, Err(BackupError::Database(_))), "{missing:?}");
    let postgres = db::back_up("postgres://127.0.0.1/x", &file).await;
    assert!(matches!(postgres, Err(BackupError::NotSqlite)), "{postgres:?}");
    assert!(!file.exists());
}
