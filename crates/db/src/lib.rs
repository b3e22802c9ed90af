//! Opens SQLite or Postgres by URL, runs the migrations, and begins write transactions.
//!
//! The same SQL runs on both engines. Columns are TEXT or BIGINT: flags are 0 or 1, times are ms since the epoch, and
//! JSON is TEXT. Placeholders are `$1`. Only the migrations and the outbox's claim query depend on the engine.
//! This crate contains no feature's queries.

mod open;
mod sweep_store;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
mod write;

pub use open::OpenError;
pub use transport::is_private;
pub use write::WriteTx;

use std::sync::Arc;

use sqlx::{AnyPool, Connection as _};
use tokio::sync::Semaphore;

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

/// A handle to the database. Cheap to clone; every part of the process shares one pool.
#[derive(Clone, Debug)]
pub struct Db {
    pool: AnyPool,
    engine: Engine,
    /// SQLite allows one writer. Writers queue here in order of arrival; with SQLite's busy timeout alone, some writers
    /// time out under load.
    writer: Arc<Semaphore>,
}

impl Db {
    /// Connects to `sqlite:<file>` or `postgres://…` and runs the migrations. A missing SQLite file is created.
    ///
    /// # Errors
    /// When the URL names another engine, the connection fails, or a migration fails.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        open::open(url).await
    }

    /// The connection pool, for reads and for single statements that need no explicit transaction.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// The engine that the URL named.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins a transaction that will write.
    ///
    /// On SQLite it takes the write lock immediately (`BEGIN IMMEDIATE`). A transaction that reads first and requests
    /// the lock later fails if another connection wrote in between.
    pub async fn write(&self) -> Result<WriteTx, sqlx::Error> {
        WriteTx::begin(self).await
    }

    /// Succeeds if the database answers.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        self.pool.acquire().await?.ping().await
    }

    /// Waits until every connection is returned to the pool, and closes it.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
