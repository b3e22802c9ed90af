//! A fresh, migrated database for a test, on either engine. Not for production code.

use sqlx::{AssertSqlSafe, Connection as _, Executor};
use uuid::Uuid;

use crate::{Db, Engine};

/// A database of its own for one test; the SQLite file goes away with it.
pub struct TestDb {
    /// Open and migrated.
    pub db: Db,
    /// By which another process, or another pool, opens the same one.
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

/// The engines that the suite runs on: SQLite always, Postgres where `TEST_POSTGRES_URL` names a server.
/// `make test` starts one; a bare `cargo test` says aloud that it went without.
pub fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    match postgres_server() {
        Some(_) => engines.push(Engine::Postgres),
        None => tracing::warn!("TEST_POSTGRES_URL is not set: the suite runs on SQLite alone"),
    }
    engines
}

fn postgres_server() -> Option<String> {
    std::env::var("TEST_POSTGRES_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

impl TestDb {
    /// A new database on `engine`.
    ///
    /// # Panics
    /// When it cannot be made: a test without its database has nothing to say.
    #[expect(
        clippy::disallowed_methods,
        reason = "the name of a test's database is no ID of the product"
    )]
    pub async fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let url = format!("sqlite:{}", folder.path().join("test.db").display());
                Self {
                    db: Db::open(&url).await.expect("open SQLite"),
                    url,
                    _folder: Some(folder),
                }
            }
            Engine::Postgres => {
                let server = postgres_server().expect("TEST_POSTGRES_URL");
                let name = format!("seamline_{}", Uuid::new_v4().simple());
                let mut connection = sqlx::PgConnection::connect(&server)
                    .await
                    .expect("connect to Postgres");
                // The name is our own hex; an identifier cannot be a bind parameter.
                let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
                connection.execute(create).await.expect("create a database");
                let (base, _) = server.rsplit_once('/').expect("a URL with a database name");
                let url = format!("{base}/{name}");
                Self {
                    db: Db::open(&url).await.expect("open Postgres"),
                    url,
                    _folder: None,
                }
            }
        }
    }
}
