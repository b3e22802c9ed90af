//! Creates a fresh, migrated database for a test, on either engine. Not for production code.

use sqlx::{AssertSqlSafe, Connection as _, Executor};
use uuid::Uuid;

use crate::{Db, Engine};

/// A database for one test. Dropping it deletes the SQLite file; a Postgres database remains on the test server.
pub struct TestDb {
    /// The open, migrated database.
    pub db: Db,
    /// The URL with which another process or pool opens the same database.
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

/// The engines to test on: always SQLite, and Postgres if `TEST_POSTGRES_URL` names a server.
/// `make test` starts a Postgres server. Without one, a warning says that the tests run on SQLite only.
pub fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    match postgres_server() {
        Some(_) => engines.push(Engine::Postgres),
        None => tracing::warn!("TEST_POSTGRES_URL is not set: the tests run on SQLite only"),
    }
    engines
}

fn postgres_server() -> Option<String> {
    std::env::var("TEST_POSTGRES_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

/// Creates a database on Postgres that no version has migrated. Returns its URL.
///
/// # Panics
/// When the database cannot be created.
#[expect(
    clippy::disallowed_methods,
    reason = "the name of a test database does not need to be reproducible"
)]
pub async fn empty_postgres() -> String {
    let server = postgres_server().expect("TEST_POSTGRES_URL");
    let name = format!("seamline_{}", Uuid::new_v4().simple());
    let mut connection = sqlx::PgConnection::connect(&server)
        .await
        .expect("connect to Postgres");
    // The name is generated hex. An identifier cannot be a bind parameter.
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    connection.execute(create).await.expect("create a database");
    let (base, _) = server.rsplit_once('/').expect("a URL with a database name");
    format!("{base}/{name}")
}

impl TestDb {
    /// Creates a database on `engine`.
    ///
    /// # Panics
    /// When the database cannot be created.
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
                let url = empty_postgres().await;
                Self {
                    db: Db::open(&url).await.expect("open Postgres"),
                    url,
                    _folder: None,
                }
            }
        }
    }
}
