//! The state: one SQLite database, one writer, several readers. All SQL of the crate is in this folder.
//!
//! Writers take turns on a single connection, so SQLITE_BUSY cannot happen inside the process. There is no
//! database in memory: it would die with a connection, and a cancelled request may take its connection along.

pub(crate) mod events;
pub(crate) mod find;
pub(crate) mod forget;
pub(crate) mod log;
pub(crate) mod people;
pub(crate) mod read;

use std::{path::Path, time::Duration};

use sqlx::{
    Sqlite, SqliteConnection, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;

use crate::settings::{OpenError, State};

/// Kept in the file's `user_version`.
const LAYOUT: i64 = 1;

/// How long a writer waits for another process that has the file open.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Handles on the database.
pub(crate) struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Holds the folder of a temporary state, which is removed with it.
    _folder: Option<TempDir>,
}

impl Store {
    pub(crate) async fn open(state: &State) -> Result<Self, OpenError> {
        let (path, folder) = match state {
            State::Temporary => {
                let folder = tempfile::tempdir().map_err(OpenError::Folder)?;
                (folder.path().join("state.db"), Some(folder))
            }
            State::File(path) => {
                make_folder(path)?;
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
            .max_connections(4)
            .connect_with(options)
            .await?;
        let store = Self {
            writer,
            readers,
            _folder: folder,
        };
        store.prepare().await?;
        Ok(store)
    }

    /// Begins a transaction that may write from its first statement on.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Empties everything. Numbers go on from where they were, so that a feed's position stays meaningful.
    pub(crate) async fn reset(&self) -> Result<(), sqlx::Error> {
        let mut tx = self.begin().await?;
        for statement in [
            "DELETE FROM events",
            "DELETE FROM sessions",
            "DELETE FROM person_devices",
            "DELETE FROM devices",
            "UPDATE people SET merged_into = NULL",
            "DELETE FROM people",
            "DELETE FROM refused",
            "DELETE FROM deliveries",
        ] {
            sqlx::query(statement).execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    /// Waits for running statements and lets the file go.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn prepare(&self) -> Result<(), OpenError> {
        let mut tx = self.begin().await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut *tx)
            .await?;
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&mut *tx)
            .await?;
        if found == LAYOUT {
            return Ok(());
        }
        if found != 0 || tables > 0 {
            return Err(OpenError::Layout {
                found,
                expected: LAYOUT,
            });
        }
        sqlx::raw_sql(include_str!("schema.sql"))
            .execute(&mut *tx)
            .await?;
        sqlx::raw_sql("PRAGMA user_version = 1").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Takes `amount` numbers of a counter and answers the first.
pub(crate) async fn take_numbers(
    connection: &mut SqliteConnection,
    counter: &'static str,
    amount: usize,
) -> Result<i64, sqlx::Error> {
    let amount = i64::try_from(amount).unwrap_or(i64::MAX);
    let last: i64 =
        sqlx::query_scalar("UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value")
            .bind(amount)
            .bind(counter)
            .fetch_one(connection)
            .await?;
    Ok(last - amount + 1)
}

fn make_folder(file: &Path) -> Result<(), OpenError> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            std::fs::create_dir_all(folder).map_err(OpenError::Folder)
        }
        _ => Ok(()),
    }
}
