//! The write transaction. On SQLite, one at a time.

use std::ops::{Deref, DerefMut};

use sqlx::{Any, Transaction};
use tokio::sync::OwnedSemaphorePermit;

use crate::{Connection, Db, Engine};

/// A transaction that writes. Dropping it without [`WriteTx::commit`] rolls it back. Make no network call while it is
/// open.
pub struct WriteTx {
    // Fields drop in declaration order: the transaction ends before the permit is released to the next writer.
    tx: Transaction<'static, Any>,
    _writer_permit: Option<OwnedSemaphorePermit>,
}

impl WriteTx {
    pub(crate) async fn begin(db: &Db) -> Result<Self, sqlx::Error> {
        match db.engine {
            Engine::Sqlite => {
                // The semaphore is never closed, so this error can only occur during shutdown.
                let writer_permit = db
                    .writer
                    .clone()
                    .acquire_owned()
                    .await
                    .map_err(|_| sqlx::Error::PoolClosed)?;
                Ok(Self {
                    tx: db.pool.begin_with("BEGIN IMMEDIATE").await?,
                    _writer_permit: Some(writer_permit),
                })
            }
            Engine::Postgres => Ok(Self {
                tx: begin_uncancellable(db).await?,
                _writer_permit: None,
            }),
        }
    }

    /// Commits the transaction.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.tx.commit().await
    }
}

impl Deref for WriteTx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.tx
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.tx
    }
}

/// Begins a transaction in a separate task, which completes even if the caller is canceled, for example when a browser
/// closes the connection. If sqlx 0.9.0 is canceled between `BEGIN` and its response, it returns the connection to the
/// pool with the transaction still open, and later writes on that connection are lost (transact-rs/sqlx#4393). The
/// SQLite driver does not have this defect.
async fn begin_uncancellable(db: &Db) -> Result<Transaction<'static, Any>, sqlx::Error> {
    let pool = db.pool.clone();
    let begun = tokio::spawn(async move { pool.begin().await }).await;
    // The task is aborted only when the runtime shuts down.
    begun.unwrap_or(Err(sqlx::Error::PoolClosed))
}
