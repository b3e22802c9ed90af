//! Copies an SQLite database while servers use it. It does not copy Postgres, which has its own programs for that.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, Connection as _};

use crate::open::install_drivers;
use crate::restore_store::{allow_missing, beside};

/// Why a database was not copied.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is on Postgres.
    #[error("only SQLite databases are copied here; use pg_dump for Postgres")]
    NotSqlite,
    /// The target exists. It is not overwritten.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The target's name is not Unicode.
    #[error("the name of the file is not Unicode")]
    Name,
    /// The target cannot be written.
    #[error("cannot write the copy: {0}")]
    File(#[from] std::io::Error),
    /// The database cannot be read.
    #[error("cannot copy the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// Copies the database at `url` to a new file, as it is at one moment. Servers can write meanwhile. The file gets its name
/// when it is complete and on the disk. The database is not migrated.
///
/// # Errors
/// When the engine is Postgres, the database cannot be read, or the file exists or cannot be written.
pub async fn back_up(url: &str, file: &Path) -> Result<(), BackupError> {
    if !url.starts_with("sqlite:") {
        return Err(BackupError::NotSqlite);
    }
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let partial = beside(file, ".partial");
    // Left by a copy that was interrupted.
    allow_missing(std::fs::remove_file(&partial))?;
    let target = partial.to_str().ok_or(BackupError::Name)?;
    install_drivers();
    let mut connection = AnyConnection::connect(url).await?;
    sqlx::query("VACUUM INTO $1")
        .bind(target)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    File::open(&partial)?.sync_all()?;
    std::fs::rename(&partial, file)?;
    Ok(())
}
