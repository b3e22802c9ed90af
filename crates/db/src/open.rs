//! Connects to the database, applies the engine's settings, and runs the migrations.

use std::path::Path;
use std::sync::Once;

use sqlx::{AnyConnection, Connection as _, Executor};

use crate::group::WriteQueue;
use crate::migrate_store::migrate;
use crate::pool::{Connector, Pool};
use crate::{Db, Engine, PoolSizes};

static INSTALL_DRIVERS: Once = Once::new();

/// WAL: readers do not wait for the writer. FULL: each commit is on the disk before it returns, so it survives a power
/// failure; NORMAL syncs at checkpoints only. fullfsync: macOS needs it for that. The busy timeout is for writers of
/// other processes, such as `seamline operator`. The cache (KiB) holds the pages that most transactions need. A larger
/// one makes commits slower: SQLite searches all of it when a transaction has split a page.
const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; \
                      PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096;";
/// A savepoint keeps the old content of changed pages. With more than 64 KiB of them it would write them to a temporary file.
/// Migrations do not have this setting: they sort large tables.
const WRITER_MEMORY: &str = "PRAGMA temp_store = MEMORY;";
/// A reader cannot write: all writes go through the one writer.
const READER: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON;";
/// A statement of a page or a worker takes milliseconds, and no transaction waits for the network. These limits (in ms)
/// free locks and connections when one hangs.
const POSTGRES_LIMITS: &str = "SET statement_timeout = 30000; SET lock_timeout = 10000; \
                               SET idle_in_transaction_session_timeout = 30000;";

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
    /// A migration failed, or the file of a migration that has run was changed.
    #[error("cannot migrate the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

pub(crate) async fn open(url: &str, sizes: PoolSizes) -> Result<Db, OpenError> {
    install_drivers();
    match engine_of_url(url)? {
        Engine::Sqlite => open_sqlite(sqlite_url(url)?, sizes).await,
        Engine::Postgres => open_postgres(url, sizes).await,
    }
}

/// The engine that a URL names.
pub(crate) fn engine_of_url(url: &str) -> Result<Engine, OpenError> {
    match url.split_once(':') {
        Some(("sqlite", _)) => Ok(Engine::Sqlite),
        Some(("postgres" | "postgresql", _)) => Ok(Engine::Postgres),
        _ => Err(OpenError::UnknownEngine),
    }
}

/// Makes the drivers known to sqlx. A second call does nothing.
pub(crate) fn install_drivers() {
    INSTALL_DRIVERS.call_once(sqlx::any::install_default_drivers);
}

async fn open_sqlite(url: String, sizes: PoolSizes) -> Result<Db, OpenError> {
    let mut migrating = AnyConnection::connect(&url).await?;
    migrating.execute(WRITER).await?;
    migrate(&mut migrating, Engine::Sqlite).await?;
    let writer = connect_writer(&url).await?;
    migrating.close().await?;
    let readers = Connector {
        engine: Engine::Sqlite,
        url: url.clone(),
        settings: READER,
    };
    let pool = Pool::open(readers, sizes.sqlite_readers).await?;
    Ok(Db {
        pool,
        engine: Engine::Sqlite,
        writer: Some(WriteQueue::start(url, writer)),
    })
}

/// Opens the writing connection to an SQLite file.
pub(crate) async fn connect_writer(url: &str) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = AnyConnection::connect(url).await?;
    connection.execute(WRITER).await?;
    connection.execute(WRITER_MEMORY).await?;
    Ok(connection)
}

async fn open_postgres(url: &str, sizes: PoolSizes) -> Result<Db, OpenError> {
    // A connection of its own, without the limits: a migration may take long.
    let mut migrating = AnyConnection::connect(url).await?;
    migrate(&mut migrating, Engine::Postgres).await?;
    migrating.close().await?;
    let connector = Connector {
        engine: Engine::Postgres,
        url: url.to_owned(),
        settings: POSTGRES_LIMITS,
    };
    let pool = Pool::open(connector, sizes.postgres).await?;
    Ok(Db {
        pool,
        engine: Engine::Postgres,
        writer: None,
    })
}

/// Returns a URL that creates the SQLite file if it is missing. Creates the file's folder first.
fn sqlite_url(url: &str) -> Result<String, std::io::Error> {
    let file = url.strip_prefix("sqlite:").unwrap_or(url);
    let file = file.strip_prefix("//").unwrap_or(file);
    let path = file.split('?').next().unwrap_or(file);
    if let Some(folder) = Path::new(path)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    Ok(if file.contains('?') {
        format!("sqlite://{file}")
    } else {
        format!("sqlite://{file}?mode=rwc")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema_store::sqlite_file;

    #[test]
    fn a_sqlite_url_names_the_same_file_everywhere() {
        for (url, file) in [
            ("sqlite:a.db", "a.db"),
            ("sqlite://a.db?cache=shared", "a.db"),
            ("sqlite:/a.db", "/a.db"),
            ("sqlite:///a.db", "/a.db"),
            ("sqlite:////a.db", "//a.db"),
        ] {
            assert_eq!(sqlite_file(url).unwrap(), Path::new(file), "{url}");
            let opened = sqlite_url(url).unwrap();
            assert_eq!(sqlite_file(&opened).unwrap(), Path::new(file), "{url}");
        }
    }
}
