//! Opens SQLite or Postgres by URL, brings it up to date, and begins write transactions.
//!
//! One SQL text serves both engines: columns are TEXT and BIGINT only (flags are 0/1, times ms since the epoch, JSON is
//! TEXT), placeholders `$1`. Two places know the dialect: the migrations, and the outbox's claim.
//! This crate holds no query of any feature.

mod open;
#[cfg(feature = "testing")]
pub mod testing;
mod write;

pub use open::OpenError;
pub use write::WriteTx;

use std::sync::Arc;

use sqlx::{AnyPool, Connection as _};
use tokio::sync::Semaphore;

/// One connection of either engine: what queries run on, inside a transaction or not.
pub type Connection = sqlx::AnyConnection;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file; one writer at a time.
    Sqlite,
    /// A server, shared by any number of app servers.
    Postgres,
}

/// The database: cheap to clone, shared by everything in the process.
#[derive(Clone, Debug)]
pub struct Db {
    pool: AnyPool,
    engine: Engine,
    /// SQLite has one writer. Queueing here is fair; its busy timeout is a lottery that somebody loses under load.
    writer: Arc<Semaphore>,
}

impl Db {
    /// Connects to `sqlite:<file>` (created when missing) or `postgres://…` and runs the migrations.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        open::open(url).await
    }

    /// For reads, and for single statements that need no transaction of ours.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Which engine the URL named.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins a transaction that will write. On SQLite it takes the write lock at once (`BEGIN IMMEDIATE`): a
    /// transaction that reads first and asks for the lock later fails at once when somebody else wrote in between.
    pub async fn write(&self) -> Result<WriteTx, sqlx::Error> {
        WriteTx::begin(self).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        self.pool.acquire().await?.ping().await
    }

    /// Waits until every connection is back and closed.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
