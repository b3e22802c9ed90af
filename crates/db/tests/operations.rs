//! What operators do with a database: backups, restored ones, inspections, and versions that share it during a deployment.

#![expect(
    clippy::unwrap_used,
    reason = "also in helpers of the tests, where clippy does not allow it by default"
)]

use std::fs;
use std::path::{Path, PathBuf};

use db::testing::{TestDb, engines};
use db::{BackupError, Db, Engine, InspectError, RestoreError, Statement};

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

/// A closed SQLite database with one item. Returns its folder, its URL and its file.
async fn closed_database(item: &str) -> (tempfile::TempDir, String, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seamline.db");
    let url = format!("sqlite:{}", file.display());
    let db = Db::open(&url).await.unwrap();
    write(&db, "CREATE TABLE items (id TEXT PRIMARY KEY)").await;
    write(&db, &format!("INSERT INTO items (id) VALUES ('{item}')")).await;
    db.close().await;
    (folder, url, file)
}

async fn write(db: &Db, statement: &str) {
    let statement = Statement::new(sqlx::AssertSqlSafe(statement.to_owned()));
    db.execute([statement]).await.unwrap();
}

async fn items(url: &str) -> Vec<String> {
    let db = Db::open(url).await.unwrap();
    let items = sqlx::query_scalar("SELECT id FROM items ORDER BY id");
    let items = items.fetch_all(db.pool()).await.unwrap();
    db.close().await;
    items
}

#[tokio::test]
async fn a_restored_backup_replaces_the_database_and_keeps_it() {
    let (folder, url, file) = closed_database("before").await;
    let copy = folder.path().join("copy.db");
    db::back_up(&url, &copy).await.unwrap();
    let db = Db::open(&url).await.unwrap();
    write(&db, "INSERT INTO items (id) VALUES ('after')").await;

    let kept = db::restore(&url, &copy, false).await;
    assert!(matches!(kept, Err(RestoreError::Exists(_))), "{kept:?}");
    let used = db::restore(&url, &copy, true).await;
    assert!(matches!(used, Err(RestoreError::InUse(_))), "{used:?}");
    write(&db, "INSERT INTO items (id) VALUES ('later')").await;
    db.close().await;

    for number in 1..=2 {
        let kept = db::restore(&url, &copy, true).await.unwrap().unwrap();
        assert_eq!(kept, folder.path().join(format!("seamline.db.replaced-{number}")));
        assert_eq!(items(&url).await, ["before"]);
    }
    let kept = format!(
        "sqlite:{}",
        folder.path().join("seamline.db.replaced-1").display()
    );
    assert_eq!(items(&kept).await, ["after", "before", "later"]);

    // The database is a link to a file on another disk.
    let linked = folder.path().join("linked.db");
    std::os::unix::fs::symlink(&file, &linked).unwrap();
    let url_of_link = format!("sqlite:{}", linked.display());
    db::restore(&url_of_link, &copy, true).await.unwrap();
    assert!(linked.is_symlink() && items(&url).await == ["before"]);

    // Without a database, as on a new machine; its log of an earlier one must not be applied.
    fs::remove_file(&file).unwrap();
    fs::write(folder.path().join("seamline.db-wal"), "of another database").unwrap();
    assert_eq!(db::restore(&url, &copy, false).await.unwrap(), None);
    assert_eq!(items(&url).await, ["before"]);
}

#[tokio::test]
async fn a_damaged_database_is_replaced() {
    let (folder, url, file) = closed_database("before").await;
    let copy = folder.path().join("copy.db");
    db::back_up(&url, &copy).await.unwrap();
    fs::write(&file, "SQLite format 3\0, and no more").unwrap();
    fs::write(folder.path().join("seamline.db-wal"), "and its log").unwrap();
    let kept = db::restore(&url, &copy, true).await.unwrap().unwrap();
    assert!(fs::read_to_string(kept).unwrap().ends_with("and no more"));
    assert_eq!(items(&url).await, ["before"]);
}

/// Makes a database of sqlx without a log.
async fn plain_database(file: &Path, statements: &[&str]) {
    use sqlx::Connection as _;
    let url = format!("sqlite:{}?mode=rwc", file.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    for statement in statements {
        let statement = sqlx::query(sqlx::AssertSqlSafe((*statement).to_owned()));
        statement.execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn only_a_whole_database_of_a_known_version_is_restored() {
    let (folder, url, file) = closed_database("before").await;
    let copy = folder.path().join("copy.db");
    db::back_up(&url, &copy).await.unwrap();
    let named = |name: &str| folder.path().join(name);

    fs::write(named("text"), "no database, but longer than a header").unwrap();
    fs::write(named("short"), "SQLite").unwrap();
    plain_database(&named("other"), &["CREATE TABLE a (b)"]).await;
    let migrations = "CREATE TABLE _sqlx_migrations (version BIGINT, checksum BLOB)";
    plain_database(
        &named("other-sqlx"),
        &[migrations, "INSERT INTO _sqlx_migrations VALUES (1, x'00')"],
    )
    .await;
    fs::copy(&copy, named("newer")).unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (99991231000000, 'of a later version', 1, x'00', 1)";
    plain_database(&named("newer"), &[newer]).await;
    let whole = fs::read(&copy).unwrap();
    fs::write(named("cut"), &whole[..whole.len() / 2]).unwrap();
    fs::copy(&copy, named("with-log")).unwrap();
    fs::write(named("with-log-wal"), "changes").unwrap();

    for (name, expected) in [
        ("text", "is not an SQLite database"),
        ("short", "is not an SQLite database"),
        ("other", "is not a database of Seamline"),
        ("other-sqlx", "is not a database of Seamline"),
        (
            "newer",
            "newer version of Seamline: it has the migration 99991231000000",
        ),
        ("cut", "is damaged"),
        ("with-log", "unwritten changes"),
        ("missing", "No such file"),
    ] {
        let refused = db::restore(&url, &named(name), true).await;
        let error = refused.expect_err(name).to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert!(name == "missing" || error.contains(name), "{name}: {error}");
        assert!(
            file.exists() && !named("seamline.db.restoring").exists(),
            "{name}"
        );
    }
    assert_eq!(items(&url).await, ["before"]);
    let postgres = db::restore("postgres://127.0.0.1/x", &copy, true).await;
    assert!(matches!(postgres, Err(RestoreError::NotSqlite)), "{postgres:?}");
}

#[tokio::test]
async fn an_inspection_finds_the_schema_and_changes_nothing() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let found = db::inspect(&test.url).await.unwrap();
        assert_eq!(found.schema, db::SchemaDifference::default(), "{engine:?}");
        assert_eq!(found.is_encrypted, (engine == Engine::Postgres).then_some(false));
        write(
            &test.db,
            "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)",
        )
        .await;
        for _ in 0..2 {
            assert_eq!(
                db::inspect(&test.url).await.unwrap().schema.missing,
                1,
                "{engine:?}"
            );
        }
        write(&test.db, "DROP TABLE _sqlx_migrations").await;
        assert!(
            db::inspect(&test.url).await.unwrap().schema.missing > 1,
            "{engine:?}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.db");
    let missing = db::inspect(&format!("sqlite:{}", file.display())).await;
    assert!(matches!(missing, Err(InspectError::NoFile(_))), "{missing:?}");
    assert!(!file.exists());
    let refused = db::inspect("postgres://127.0.0.1:9/x").await;
    assert!(matches!(refused, Err(InspectError::Database(_))), "{refused:?}");
}
