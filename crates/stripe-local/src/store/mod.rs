//! The state file: one SQLite database with all records. It contains all SQL of the crate.
//!
//! Records are loaded once, at the start. The changes of each operation are written in one transaction before the
//! response is sent.

use local_service::{StateDatabase, StateError, StateLocation, StateSchema};
use sqlx::Row;

use crate::{
    records::{Record, RecordChange, Records},
    settings::StripeStandInOpenError,
};

const SCHEMA: StateSchema = StateSchema {
    version: 1,
    sql: include_str!("schema.sql"),
};

/// The open state file.
pub(crate) struct RecordStore {
    database: StateDatabase,
}

impl RecordStore {
    pub(crate) async fn open(location: &StateLocation) -> Result<Self, StateError> {
        Ok(Self {
            database: StateDatabase::open(location, SCHEMA).await?,
        })
    }

    /// Adds all stored records to `records`.
    pub(crate) async fn load(&self, records: &mut Records) -> Result<(), StripeStandInOpenError> {
        let rows = sqlx::query("SELECT number, body FROM records ORDER BY number")
            .fetch_all(self.database.readers())
            .await
            .map_err(StateError::from)?;
        for row in rows {
            let body: &str = row.try_get("body").map_err(StateError::from)?;
            let record: Record = serde_json::from_str(body)?;
            let number: i64 = row.try_get("number").map_err(StateError::from)?;
            let number = u64::try_from(number).unwrap_or_default();
            records.restore(number, record);
        }
        Ok(())
    }

    /// Writes the changes of an operation, all or none.
    pub(crate) async fn write(&self, changes: &[RecordChange<'_>]) -> Result<(), sqlx::Error> {
        let mut tx = self.database.begin().await?;
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

    /// Waits for running statements and closes the file.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}
