//! Migrates, copies and restores the database.

use std::path::Path;

use backend::config::Config;
use db::Db;
use secrecy::ExposeSecret;

/// Runs the migrations that the database does not have yet.
///
/// # Errors
/// When the database cannot be opened or migrated.
pub async fn migrate(config: &Config) -> Result<(), db::OpenError> {
    let db = Db::open(config.data.database_url.expose_secret()).await?;
    tracing::info!(engine = ?db.engine(), "the database has the schema of this version");
    db.close().await;
    Ok(())
}

/// Copies the SQLite database to `file`, also while servers use it.
///
/// # Errors
/// When the database is on Postgres or cannot be read, or the file exists or cannot be written.
pub async fn back_up(config: &Config, file: &Path) -> Result<(), db::BackupError> {
    db::back_up(config.data.database_url.expose_secret(), file).await?;
    tracing::info!(file = %file.display(), "the database was copied");
    Ok(())
}

/// Puts a copy that [`back_up`] made in the place of the SQLite database. With `replace` an existing one is kept beside it.
/// Returns the line to print.
///
/// # Errors
/// When the database is on Postgres, in use, or exists without `replace`, or the file is no whole database of this version or
/// an older one.
pub async fn restore(config: &Config, file: &Path, replace: bool) -> Result<String, db::RestoreError> {
    let kept = db::restore(config.data.database_url.expose_secret(), file, replace).await?;
    let kept = kept.map(|kept| format!(" The database before is in {}.", kept.display()));
    Ok(format!(
        "{} was restored.{}\n",
        file.display(),
        kept.unwrap_or_default()
    ))
}
