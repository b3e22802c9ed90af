//! The write transaction.

use std::ops::{Deref, DerefMut};

use sqlx::{Any, Transaction};
use tokio::sync::OwnedSemaphorePermit;

use crate::{Connection, Db, Engine};

/// A transaction that writes; dropped without [`WriteTx::commit`], it rolls back. No network call belongs inside.
pub struct WriteTx {
    // Fields drop in order: the transaction ends before the next writer may start.
    tx: Transaction<'static, Any>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl WriteTx {
    pub(crate) async fn begin(db: &Db) -> Result<Self, sqlx::Error> {
        match db.engine {
            Engine::Sqlite => {
                // The semaphore is never closed, so an error here can only mean that the pool is going away too.
                let turn = db
                    .writer
                    .clone()
                    .acquire_owned()
                    .await
                    .map_err(|_| sqlx::Error::PoolClosed)?;
                Ok(Self {
                    tx: db.pool.begin_with("BEGIN IMMEDIATE").await?,
                    _turn: Some(turn),
                })
            }
            Engine::Postgres => Ok(Self {
                tx: begin_to_the_end(db).await?,
                _turn: None,
            }),
        }
    }

    /// Makes everything written in it durable.
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

/// Begins in a task of its own, which goes on when nobody waits for it any more: a browser went away, a worker was killed.
/// Given up between `BEGIN` and its answer, sqlx 0.9.0 would give the connection back to the pool with that transaction open,
/// and what others write there would be lost (transact-rs/sqlx#4393). SQLite's driver has no such gap.
async fn begin_to_the_end(db: &Db) -> Result<Transaction<'static, Any>, sqlx::Error> {
    let pool = db.pool.clone();
    let begun = tokio::spawn(async move { pool.begin().await }).await;
    // The task ends early only with the runtime.
    begun.unwrap_or(Err(sqlx::Error::PoolClosed))
}
