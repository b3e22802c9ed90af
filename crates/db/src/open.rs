//! Connects to the database, applies the engine's settings, and runs the migrations.

use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{AnyPool, Executor};
use tokio::sync::Semaphore;

use crate::{Db, Engine};

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");
static INSTALL_DRIVERS: Once = Once::new();

const MAX_CONNECTIONS: u32 = 16;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a database could not be opened. The message omits the URL, which may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL starts with neither `sqlite:` nor `postgres:`.
    #[error("DATABASE_URL must start with `sqlite:` or `postgres:`")]
    UnknownEngine,
    /// The folder of the SQLite file could not be created.
    #[error("cannot create the folder of the database file: {0}")]
    Folder(#[from] std::io::Error),
    /// The engine refused the connection.
    #[error("cannot open the database: {0}")]
    Connect(#[from] sqlx::Error),
    /// A migration failed, or the database was migrated by a newer build.
    #[error("cannot migrate the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

pub(crate) async fn open(url: &str) -> Result<Db, OpenError> {
    INSTALL_DRIVERS.call_once(sqlx::any::install_default_drivers);
    let (engine, url) = if let Some(file) = url.strip_prefix("sqlite:") {
        (Engine::Sqlite, sqlite_url(file)?)
    } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        (Engine::Postgres, url.to_owned())
    } else {
        return Err(OpenError::UnknownEngine);
    };
    let pool = connect(engine, &url).await?;
    match engine {
        Engine::Sqlite => SQLITE.run(&pool).await?,
        Engine::Postgres => POSTGRES.run(&pool).await?,
    }
    Ok(Db {
        pool,
        engine,
        writer: Arc::new(Semaphore::new(1)),
    })
}

async fn connect(engine: Engine, url: &str) -> Result<AnyPool, sqlx::Error> {
    AnyPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if engine == Engine::Sqlite {
                    // WAL: readers do not wait for the writer. FULL: each commit is on the disk before it returns, so it
                    // survives a power failure; NORMAL syncs at checkpoints only. fullfsync: macOS needs it for that.
                    connection
                        .execute(
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; \
                             PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON;",
                        )
                        .await?;
                }
                Ok(())
            })
        })
        .connect(url)
        .await
}

/// Returns a URL that creates the SQLite file if it is missing. Creates the file's folder first.
fn sqlite_url(file: &str) -> Result<String, std::io::Error> {
    let file = file.strip_prefix("//").unwrap_or(file);
    let path = file.split('?').next().unwrap_or(file);
    if let Some(folder) = Path::new(path)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    Ok(if file.contains('?') {
        format!("sqlite:{file}")
    } else {
        format!("sqlite:{file}?mode=rwc")
    })
}
