//! A new database for each run.

use std::path::Path;

use db::testing::TestDb;
use db::{Db, Engine};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

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

/// Deletes a database that [`fresh`] returned, with its data. A file of SQLite is deleted with its folder.
///
/// # Errors
/// When the Postgres server fails.
pub async fn remove(engine: Engine, url: &str) -> Result<(), sqlx::Error> {
    let (Engine::Postgres, Some((server, name))) = (engine, url.rsplit_once('/')) else {
        return Ok(());
    };
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&format!("{server}/postgres")).await?;
    // The name is generated hex. An identifier cannot be a bind parameter.
    let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    connection.execute(drop).await.map(|_| ())
}

/// Counts the events of the outbox in a state. `outbox::counts` stops at 10,000.
///
/// # Errors
/// When the database fails.
pub async fn count_events(db: &Db, state: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE state = $1")
        .bind(state)
        .fetch_one(db.pool())
        .await
}

/// Returns the name of the engine for reports.
pub fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "Postgres",
    }
}
