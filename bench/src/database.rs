//! A fresh database for one run.

use std::path::Path;

use db::Engine;
use db::testing::TestDb;

/// The URL of an empty database: a file in `folder`, or a new database on the server that `TEST_POSTGRES_URL` names.
///
/// # Panics
/// When the Postgres server is not named or refuses.
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

/// How the engine is called in figures.
pub fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "Postgres",
    }
}
