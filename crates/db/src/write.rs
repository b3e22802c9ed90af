//! The write transaction.

use std::ops::{Deref, DerefMut};

use sqlx::Executor as _;

use crate::group::Lease;
use crate::pool::PooledConnection;
use crate::{Connection, Pool};

/// A transaction that writes. Dropping it without [`WriteTx::commit`] rolls it back. Make no network call while it is
/// open: on SQLite all other writers wait for it.
pub struct WriteTx(pub(crate) OpenWrite);

pub(crate) enum OpenWrite {
    /// A member of a group of transactions.
    Sqlite(Lease),
    Postgres(PostgresTransaction),
}

/// A transaction on a connection of the pool. Dropping it rolls it back.
pub(crate) struct PostgresTransaction {
    /// `None` after the commit.
    connection: Option<PooledConnection>,
}

impl WriteTx {
    /// Commits the transaction. If a statement has failed, drop the transaction instead: a commit may then succeed without
    /// its changes, on Postgres without any. The transaction is durable when this returns `Ok`. If the future is dropped, it may be committed or
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
            OpenWrite::Postgres(tx) => tx.connection.as_ref().expect(IS_OPEN),
        }
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.0 {
            OpenWrite::Sqlite(lease) => lease.connection(),
            OpenWrite::Postgres(tx) => tx.connection(),
        }
    }
}

impl PostgresTransaction {
    /// Begins a transaction in a separate task, which completes even if the caller is canceled, for example when a browser
    /// closes the connection: the transaction is then rolled back.
    pub(crate) async fn begin(pool: &Pool) -> Result<Self, sqlx::Error> {
        let pool = pool.clone();
        let begun = tokio::spawn(async move {
            let mut connection = pool.acquire().await?;
            connection.execute("BEGIN").await?;
            Ok(Self {
                connection: Some(connection),
            })
        });
        // The task is aborted only when the runtime shuts down.
        begun.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }

    async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.connection().execute("COMMIT").await?;
        self.connection = None;
        Ok(())
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect(IS_OPEN)
    }
}

const IS_OPEN: &str = "only `commit` returns the connection, and it consumes the transaction";

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.roll_back();
        }
    }
}
