//! The state file: one SQLite database that holds every record. All SQL of the crate is in this folder.
//!
//! Records are read once, at the start; after that the world in memory is what counts, and each operation's changes
//! are written in one transaction before anyone hears of them.

use std::{path::Path, time::Duration};

use sqlx::{
    Row, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;

use crate::{
    settings::{OpenError, State},
    world::{Record, World, Written},
};

/// Kept in the file's `user_version`.
const LAYOUT: i64 = 1;

/// How long a writer waits for another process that has the file open.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A handle on the database.
pub(crate) struct Store {
    pool: SqlitePool,
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
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        let store = Self {
            pool,
            _folder: folder,
        };
        store.prepare().await?;
        Ok(store)
    }

    /// Puts every record into `world`.
    pub(crate) async fn load(&self, world: &mut World) -> Result<(), OpenError> {
        let rows = sqlx::query("SELECT number, body FROM records ORDER BY number")
            .fetch_all(&self.pool)
            .await?;
        for row in rows {
            let record: Record = serde_json::from_str(row.try_get("body")?)?;
            let number = u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or_default();
            world.restore(number, record);
        }
        Ok(())
    }

    /// Writes an operation's changes, all or none.
    pub(crate) async fn write(&self, changes: &[Written<'_>]) -> Result<(), sqlx::Error> {
        let mut tx = self.begin().await?;
        for change in changes {
            let number = i64::try_from(change.number).unwrap_or(i64::MAX);
            match change.record {
                Some(record) => {
                    let body =
                        serde_json::to_string(record).map_err(|error| sqlx::Error::Encode(error.into()))?;
                    sqlx::query(
                        "INSERT INTO records (id, number, body) VALUES ($1, $2, $3)
                         ON CONFLICT (id) DO UPDATE SET number = excluded.number, body = excluded.body",
                    )
                    .bind(change.id)
                    .bind(number)
                    .bind(body)
                    .execute(&mut *tx)
                    .await?;
                }
                None => {
                    sqlx::query("DELETE FROM records WHERE id = $1")
                        .bind(change.id)
                        .execute(&mut *tx)
                        .await?;
                }
            }
        }
        tx.commit().await
    }

    /// Waits for running statements and lets the file go.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
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

fn make_folder(file: &Path) -> Result<(), OpenError> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            std::fs::create_dir_all(folder).map_err(OpenError::Folder)
        }
        _ => Ok(()),
    }
}
