//! A new database for each run.

use std::path::Path;

use db::Engine;
use db::testing::TestDb;

/// Returns the URL of an empty database: a file in `folder`, or a new database on the Postgres server of
/// `TEST_POSTGRES_URL`.
///
/// # Panics
/// When `TEST_POSTGRES_URL` is not set, or the Postgres server rejects the connection.
pub async fn fresh(engine: Engine, folder: &Path) -> String {
    match engine {
        Engine::Sqlite => format!("sqlite:{}", folder.join("seamline.db").display()),
        Engine::Postgres => {
            let test = TestDb::new(engine).await;
            test.db.close().await;
            test.url
        }
    }
}

/// Returns the name of the engine for reports.
pub fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "Postgres",
    }
}
