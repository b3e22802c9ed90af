//! The collector's tables in the state file. All SQL of the crate is in this folder.

pub(crate) mod deletion;
pub(crate) mod delivery_log;
pub(crate) mod event_queries;
pub(crate) mod events;
pub(crate) mod people;
pub(crate) mod people_queries;

use local_service::{StateDatabase, StateError, StateLocation, StateSchema};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

const SCHEMA: StateSchema = StateSchema {
    version: 1,
    sql: include_str!("schema.sql"),
};

/// The open state file.
pub(crate) struct EventStore {
    database: StateDatabase,
}

impl EventStore {
    pub(crate) async fn open(location: &StateLocation) -> Result<Self, StateError> {
        Ok(Self {
            database: StateDatabase::open(location, SCHEMA).await?,
        })
    }

    /// Begins a write transaction.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.database.begin().await
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        self.database.readers()
    }

    /// Deletes all rows. Sequence numbers continue, so that a live feed's position stays valid.
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

    /// Waits for running statements and closes the file.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}

/// Reserves `amount` numbers of a counter and returns the first.
pub(crate) async fn reserve_numbers(
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
