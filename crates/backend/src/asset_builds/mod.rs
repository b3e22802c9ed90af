//! The files of all builds in use, in the database, so that every server can serve them. While servers are replaced,
//! pages of the old and the new build are open, and the load balancer sends the requests of either to any server.
//!
//! It does not read the build's folder, and does not serve files.

mod store;

use db::Db;

use crate::clock::Clock;

/// A file of a build in one encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetFile {
    /// Path in the site's folder.
    pub path: String,
    /// The value of `Content-Encoding`; empty for the file itself.
    pub encoding: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// Stores and reads files of builds. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AssetBuilds {
    db: Db,
    clock: Clock,
}

impl AssetBuilds {
    /// The files in this database.
    pub const fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Stores the files of a build, unless they are stored, and records that the build is in use now. Builds are kept for
    /// two days after their last use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn publish(&self, build: &str, files: &[AssetFile]) -> Result<(), sqlx::Error> {
        let mut tx = self.db.write().await?;
        // First, because it locks the build: the sweep does not delete the files after they were counted.
        store::touch(&mut tx, build, self.clock.now_ms()).await?;
        if store::count(&mut tx, build).await? < files.len() {
            for file in files {
                store::insert(&mut tx, build, file).await?;
            }
        }
        tx.commit().await
    }

    /// Returns a file of a stored build in each of its encodings; none if the build or the file is unknown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn file(&self, build: &str, path: &str) -> Result<Vec<AssetFile>, sqlx::Error> {
        store::file(self.db.pool(), build, path).await
    }
}
