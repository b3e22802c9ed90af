//! A stand-in's state: one SQLite file with a schema version.
//!
//! All writes use one connection, so SQLITE_BUSY cannot happen inside the process. Reads use up to four others. There is
//! no in-memory database: it would be lost with its connection, and a cancelled request may close its connection.
//! The tables and their queries belong to the stand-ins.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;

/// How long a writer waits for another process that has the file open.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Most connections that read at the same time.
const READER_CONNECTIONS: u32 = 4;

/// Where a stand-in keeps its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateLocation {
    /// A new file in the system's temporary folder, deleted with the stand-in.
    Temporary,
    /// An SQLite file, created if it does not exist.
    File(PathBuf),
}

/// The tables of a state file.
#[derive(Clone, Copy, Debug)]
pub struct StateSchema {
    /// The version, stored in the file's `user_version`. It is positive.
    pub version: i64,
    /// The statements that create the tables in an empty file.
    pub sql: &'static str,
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder of the state file cannot be created.
    #[error("cannot create a folder for the state: {0}")]
    Folder(#[source] std::io::Error),
    /// The state file cannot be opened, read or written.
    #[error("cannot open the state: {0}")]
    Database(#[from] sqlx::Error),
    /// The file belongs to another program or to another version of this one.
    #[error(
        "the state file has schema version {found}, this program uses version {expected}; remove the file or use another"
    )]
    SchemaVersion {
        /// The version of the file. 0: the file has tables but no version.
        found: i64,
        /// The version that this program uses.
        expected: i64,
    },
}

/// An open state file.
pub struct StateDatabase {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Deletes the folder of a temporary state when dropped.
    _folder: Option<TempDir>,
}

impl StateDatabase {
    /// Opens the state file. If the file does not exist or is empty, it creates the tables of `schema`.
    ///
    /// # Errors
    /// The file cannot be opened, or it has another schema version.
    pub async fn open(location: &StateLocation, schema: StateSchema) -> Result<Self, StateError> {
        let (path, folder) = match location {
            StateLocation::Temporary => {
                let folder = tempfile::tempdir().map_err(StateError::Folder)?;
                (folder.path().join("state.db"), Some(folder))
            }
            StateLocation::File(path) => {
                create_parent_folder(path)?;
                (path.clone(), None)
            }
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READER_CONNECTIONS)
            .connect_lazy_with(options);
        let database = Self {
            writer,
            readers,
            _folder: folder,
        };
        database.create_tables(schema).await?;
        Ok(database)
    }

    /// Begins a transaction that may write from its first statement on.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// The connections for reading.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Waits for running statements and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn create_tables(&self, schema: StateSchema) -> Result<(), StateError> {
        let mut tx = self.begin().await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut *tx)
            .await?;
        if found == schema.version {
            return Ok(());
        }
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&mut *tx)
            .await?;
        if found != 0 || tables > 0 {
            return Err(StateError::SchemaVersion {
                found,
                expected: schema.version,
            });
        }
        sqlx::raw_sql(schema.sql).execute(&mut *tx).await?;
        // PRAGMA takes no bound parameters. The text contains only a number.
        let set_version = format!("PRAGMA user_version = {}", schema.version);
        sqlx::raw_sql(AssertSqlSafe(set_version))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

fn create_parent_folder(file: &Path) -> Result<(), StateError> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            std::fs::create_dir_all(folder).map_err(StateError::Folder)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: StateSchema = StateSchema {
        version: 3,
        sql: "CREATE TABLE numbers (n INTEGER NOT NULL) STRICT;",
    };

    async fn count(database: &StateDatabase) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM numbers")
            .fetch_one(database.readers())
            .await
            .expect("the table exists")
    }

    #[tokio::test]
    async fn a_file_keeps_its_rows_and_its_schema_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = StateLocation::File(folder.path().join("new").join("state.db"));
        let database = StateDatabase::open(&location, SCHEMA).await.expect("it opens");
        let mut tx = database.begin().await.expect("a transaction");
        sqlx::query("INSERT INTO numbers (n) VALUES (1)")
            .execute(&mut *tx)
            .await
            .expect("a row");
        tx.commit().await.expect("a commit");
        database.close().await;

        let reopened = StateDatabase::open(&location, SCHEMA)
            .await
            .expect("it opens again");
        assert_eq!(count(&reopened).await, 1);
        reopened.close().await;

        let newer = StateSchema { version: 4, ..SCHEMA };
        let error = StateDatabase::open(&location, newer).await.err();
        assert!(
            matches!(
                error,
                Some(StateError::SchemaVersion {
                    found: 3,
                    expected: 4
                })
            ),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn temporary_states_are_separate() {
        let one = StateDatabase::open(&StateLocation::Temporary, SCHEMA)
            .await
            .expect("it opens");
        let other = StateDatabase::open(&StateLocation::Temporary, SCHEMA)
            .await
            .expect("it opens");
        let mut tx = one.begin().await.expect("a transaction");
        sqlx::query("INSERT INTO numbers (n) VALUES (1)")
            .execute(&mut *tx)
            .await
            .expect("a row");
        tx.commit().await.expect("a commit");
        assert_eq!((count(&one).await, count(&other).await), (1, 0));
    }
}
