//! A loop of bare commits: one connection, one row in each transaction, at the app's durability.

use std::path::Path;

use backend::ids;
use db::Engine;
use sqlx::AnyConnection;
use tokio::time::Instant;

use super::store;
use crate::database;

/// A connection to a database of its own, on the same disk or server as the app's.
pub struct BareCommits {
    connection: AnyConnection,
    /// Whether a commit waits for the disk.
    pub is_durable: bool,
}

impl BareCommits {
    /// Creates the database in `folder`, or on the Postgres server.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(engine: Engine, folder: &Path) -> Result<Self, sqlx::Error> {
        let folder = folder.join("bare");
        std::fs::create_dir_all(&folder)?;
        let mut connection = store::connect(engine, &database::fresh(engine, &folder).await).await?;
        Ok(Self {
            is_durable: store::is_durable(&mut connection, engine).await?,
            connection,
        })
    }

    /// Commits one row. Returns the µs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(&mut self) -> Result<f64, sqlx::Error> {
        let row = (ids::row().to_string(), "payload".to_owned());
        let started = Instant::now();
        store::insert(&mut self.connection, &[row]).await?;
        Ok(started.elapsed().as_secs_f64() * 1e6)
    }
}
