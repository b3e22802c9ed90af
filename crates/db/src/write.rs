//! The write transaction.

use std::ops::{Deref, DerefMut};

use sqlx::{Any, AnyPool, Transaction};

use crate::Connection;
use crate::group::Lease;

/// A transaction that writes. Dropping it without [`WriteTx::commit`] rolls it back. Make no network call while it is
/// open: on SQLite all other writers wait for it.
pub struct WriteTx(pub(crate) OpenWrite);

pub(crate) enum OpenWrite {
    /// A member of a group of transactions.
    Sqlite(Lease),
    Postgres(Transaction<'static, Any>),
}

impl WriteTx {
    /// Commits the transaction. If a statement has failed, drop the transaction instead: on SQLite a commit may then succeed
    /// without its changes. The transaction is durable when this returns `Ok`. If the future is dropped, it may be committed or
    /// not.
    ///
    /// # Errors
    /// When the commit fails. On SQLite the transactions that share the commit fail as well.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        match self.0 {
            OpenWrite::Sqlite(lease) => lease.commit().await,
            OpenWrite::Postgres(tx) => tx.commit().await,
        }
    }
}

impl Deref for WriteTx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.0 {
            OpenWrite::Sqlite(lease) => lease.connection_ref(),
            OpenWrite::Postgres(tx) => tx,
        }
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.0 {
            OpenWrite::Sqlite(lease) => lease.connection(),
            OpenWrite::Postgres(tx) => tx,
        }
    }
}

/// Begins a transaction in a separate task, which completes even if the caller is canceled, for example when a browser
/// closes the connection. If sqlx 0.9.0 is canceled between `BEGIN` and its response, it returns the connection to the
/// pool with the transaction still open, and later writes on that connection are lost (transact-rs/sqlx#4393).
pub(crate) async fn begin_uncancellable(pool: &AnyPool) -> Result<Transaction<'static, Any>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin().await }).await;
    // The task is aborted only when the runtime shuts down.
    begun.unwrap_or(Err(sqlx::Error::PoolClosed))
}
