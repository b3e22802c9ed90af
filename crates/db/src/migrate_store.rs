//! Runs the migrations.

use std::time::Duration;

use sqlx::AnyConnection;
use sqlx::migrate::Migrator;

use crate::Engine;
use crate::open::OpenError;

/// Names the lock of [`migrate`] among the advisory locks of a Postgres database.
const LOCK: i64 = 0x5365_616d_6c69_6e65;
/// The pause before a server asks for the lock again.
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// The migrations of this build. The database may have later ones, of the build that replaces this one
/// (docs/deploying.md, "Rules for migrations").
pub(crate) fn migrations(engine: Engine) -> Migrator {
    let mut migrations = match engine {
        Engine::Sqlite => sqlx::migrate!("../../migrations/sqlite"),
        Engine::Postgres => sqlx::migrate!("../../migrations/postgres"),
    };
    migrations.set_ignore_missing(true);
    migrations
}

/// Runs the migrations that have not run. On Postgres one server does this and those that start meanwhile wait, however long it
/// takes. The lock ends with the connection.
///
/// sqlx has a lock too, which keeps servers of older versions out. A server waits for that one inside of a statement. `CREATE INDEX
/// CONCURRENTLY` waits until the statements of others have ended: each would wait for the other, and Postgres would fail one of
/// them. Here a server asks for the lock again and again.
pub(crate) async fn migrate(connection: &mut AnyConnection, engine: Engine) -> Result<(), OpenError> {
    if engine == Engine::Postgres && !try_lock(connection).await? {
        tracing::info!("another server migrates the database; waiting for it");
        while !try_lock(connection).await? {
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }
    Ok(migrations(engine).run(connection).await?)
}

async fn try_lock(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(connection)
        .await
}
