//! Opens SQLite or Postgres by URL, runs the migrations, and begins write transactions.
//!
//! The same SQL runs on both engines. Columns are TEXT or BIGINT: flags are 0 or 1, times are ms since the epoch, and
//! JSON is TEXT. Placeholders are `$1`. Only the migrations, this crate, and the inserts and row locks of queues depend on the engine.
//! This crate contains no feature's queries.

mod backup_store;
mod group;
mod migrate_store;
mod open;
mod pool;
mod refusal;
mod restore_store;
mod schema_store;
mod statement_store;
mod sweep_store;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
mod write;

pub use backup_store::{BackupError, back_up};
pub use open::OpenError;
pub use pool::{Pool, PooledConnection};
pub use refusal::is_refusal;
pub use restore_store::{RestoreError, restore};
pub use schema_store::{InspectError, InspectedDatabase, SchemaDifference, inspect};
pub use statement_store::{
    Statement, StatementValue, engine_of, execute_all, execute_together, fetch_all, fetch_together, json_text,
};
pub use transport::is_private;
pub use write::WriteTx;
use write::{OpenWrite, PostgresTransaction};

use sqlx::Connection as _;

use crate::group::WriteQueue;

/// A connection to either engine. Queries run on it, inside a transaction or outside one.
pub type Connection = sqlx::AnyConnection;

/// The database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file with one writer at a time.
    Sqlite,
    /// A server that any number of app servers share.
    Postgres,
}

/// How many connections one process opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSizes {
    /// On Postgres, for reads and writes.
    pub postgres: u32,
    /// On SQLite, for reads. Each has a thread. Writes have one more connection.
    pub sqlite_readers: u32,
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self {
            postgres: 16,
            sqlite_readers: 8,
        }
    }
}

/// A handle to the database. Cheap to clone; every part of the process shares one pool.
#[derive(Clone, Debug)]
pub struct Db {
    pool: Pool,
    engine: Engine,
    /// SQLite allows one writer. `None` on Postgres, where writers use the pool.
    writer: Option<WriteQueue>,
}

impl Db {
    /// Connects to `sqlite:<file>` or `postgres://…` and runs the migrations. A missing SQLite file is created.
    ///
    /// # Errors
    /// When the URL names another engine, the connection fails, or a migration fails.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::open_with(url, PoolSizes::default()).await
    }

    /// [`Self::open`] with other numbers of connections.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(url: &str, sizes: PoolSizes) -> Result<Self, OpenError> {
        open::open(url, sizes).await
    }

    /// The connection pool, for reads. On SQLite a statement that writes fails there; use [`Self::write`].
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The engine that the URL named.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins a transaction that will write.
    ///
    /// On SQLite there is one writing connection. Callers wait for it in order of arrival. Transactions that wait for
    /// each other share one commit ([decision 0013](../../../docs/decisions/0013-one-writer.md)).
    ///
    /// # Errors
    /// When the database fails or is closed.
    pub async fn write(&self) -> Result<WriteTx, sqlx::Error> {
        self.write_with(Vec::new()).await
    }

    /// Begins a transaction that will write, and executes its `first` statements as [`execute_together`] does. On SQLite this
    /// is one round trip to the connection's thread.
    ///
    /// # Errors
    /// When the database fails or is closed, or a statement fails: the transaction is rolled back.
    pub async fn write_with(&self, first: Vec<Statement>) -> Result<WriteTx, sqlx::Error> {
        Ok(WriteTx(match &self.writer {
            Some(writer) => OpenWrite::Sqlite(writer.begin(first).await?),
            None => {
                let mut tx = PostgresTransaction::begin(&self.pool).await?;
                execute_together(tx.connection(), first).await?;
                OpenWrite::Postgres(tx)
            }
        }))
    }

    /// Executes statements as [`execute_together`] does, in a transaction of their own: one round trip on Postgres. Returns the
    /// number of rows that the last one changed. If the future is dropped, they may be committed or not.
    ///
    /// # Errors
    /// When a statement or the commit fails. Nothing is changed then, unless the connection was lost.
    pub async fn execute(&self, statements: impl IntoIterator<Item = Statement>) -> Result<u64, sqlx::Error> {
        match &self.writer {
            Some(writer) => writer.execute(statements.into_iter().collect()).await,
            None => execute_together(&mut *self.pool.acquire().await?, statements).await,
        }
    }

    /// Succeeds if the database answers.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        self.pool.acquire().await?.ping().await
    }

    /// Waits until the writers on SQLite have finished, and closes the connections. Those that are in use are closed when they are
    /// returned.
    pub async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
        self.pool.close().await;
    }
}
