//! Replaces an SQLite database by a copy that [`crate::back_up`] made. It restores no Postgres database, which has its own
//! programs for that.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, Connection as _, Executor};

use crate::Engine;
use crate::migrate_store::migrations;
use crate::open::install_drivers;
use crate::schema_store::{applied_migrations, difference, sqlite_file};

/// The first bytes of each SQLite file.
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Why a database was not restored. The database is as before.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The database is on Postgres.
    #[error("only SQLite databases are restored here; use pg_restore for Postgres")]
    NotSqlite,
    /// The database exists, and it was not asked to be replaced.
    #[error("{} exists; --replace puts the copy in its place and keeps it beside under another name", .0.display())]
    Exists(PathBuf),
    /// Another process has the database open.
    #[error("{} is in use; stop the server first", .0.display())]
    InUse(PathBuf),
    /// The file is no SQLite database.
    #[error("{} is not an SQLite database", .0.display())]
    NotADatabase(PathBuf),
    /// The file has a second file with newer data.
    #[error("{} has unwritten changes in {}; restore a copy that `seamline backup` made", .file.display(), .log.display())]
    HasLog {
        /// The file.
        file: PathBuf,
        /// The file beside it.
        log: PathBuf,
    },
    /// The database is damaged.
    #[error("{} is damaged: {finding}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The first finding of SQLite's integrity check.
        finding: String,
    },
    /// It is another program's database.
    #[error("{} is not a database of Seamline", .0.display())]
    NotOurs(PathBuf),
    /// A newer version made it.
    #[error("{} was made by a newer version of Seamline: it has the migration {version}", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// The first migration that this version does not have.
        version: i64,
    },
    /// A file cannot be read or written.
    #[error("cannot restore the database: {0}")]
    File(#[from] std::io::Error),
    /// The copy cannot be read.
    #[error("cannot read the copy: {0}")]
    Database(#[from] sqlx::Error),
}

/// Puts a copy of `file` in the place of the database at `url`, after checking that the copy is whole and that this version
/// knows its schema. With `replace` an existing database is kept beside it; its new path is returned. An older schema is
/// migrated when a server starts.
///
/// # Errors
/// When the engine is Postgres, `file` is no whole database of this version or an older one, the database is in use, or it
/// exists and `replace` is false.
pub async fn restore(url: &str, file: &Path, replace: bool) -> Result<Option<PathBuf>, RestoreError> {
    if !url.starts_with("sqlite:") {
        return Err(RestoreError::NotSqlite);
    }
    install_drivers();
    let target = sqlite_file(url)?;
    let exists = target.try_exists()?;
    if exists && !replace {
        return Err(RestoreError::Exists(target));
    }
    // A link stays, and the file that it names is replaced.
    let target = if exists { fs::canonicalize(target)? } else { target };
    check_is_sqlite(file)?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // The copy is checked, not `file`, which can change meanwhile.
    let copy = beside(&target, ".restoring");
    let replaced = async {
        fs::copy(file, &copy)?;
        fs::set_permissions(&copy, Permissions::from_mode(0o600))?;
        check(&copy, file).await?;
        put_in_place(&copy, &target, exists).await
    };
    match replaced.await {
        Ok(kept) => {
            File::open(folder)?.sync_all()?;
            Ok(kept)
        }
        Err(error) => {
            allow_missing(fs::remove_file(&copy))?;
            Err(error)
        }
    }
}

fn check_is_sqlite(file: &Path) -> Result<(), RestoreError> {
    let mut header = [0; 16];
    match File::open(file)?.read_exact(&mut header) {
        Ok(()) if &header == HEADER => {}
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error.into()),
        _ => return Err(RestoreError::NotADatabase(file.to_owned())),
    }
    let log = beside(file, "-wal");
    match fs::metadata(&log) {
        Ok(found) if found.len() > 0 => Err(RestoreError::HasLog {
            file: file.to_owned(),
            log,
        }),
        _ => Ok(()),
    }
}

/// Checks the copy. `file` is the name for errors.
async fn check(copy: &Path, file: &Path) -> Result<(), RestoreError> {
    // Immutable: SQLite makes no files beside it.
    let mut connection = AnyConnection::connect(&format!("sqlite:{}?immutable=1", copy.display())).await?;
    let damaged = |finding: String| RestoreError::Damaged {
        file: file.to_owned(),
        finding,
    };
    let findings = sqlx::query_scalar::<_, String>("PRAGMA integrity_check(1)").fetch_one(&mut connection);
    let finding = match findings.await {
        Ok(finding) => finding,
        Err(sqlx::Error::Database(error)) => return Err(damaged(error.message().to_owned())),
        Err(error) => return Err(error.into()),
    };
    if finding != "ok" {
        return Err(damaged(finding));
    }
    let applied = applied_migrations(&mut connection, Engine::Sqlite).await?;
    connection.close().await?;
    let known = migrations(Engine::Sqlite);
    let schema = difference(&applied, &known);
    if !schema.changed.is_empty() || schema.missing == known.iter().count() {
        return Err(RestoreError::NotOurs(file.to_owned()));
    }
    match schema.unknown.first() {
        None => Ok(File::open(copy)?.sync_all()?),
        Some(version) => Err(RestoreError::Newer {
            file: file.to_owned(),
            version: *version,
        }),
    }
}

/// Renames the copy to the target. An existing database gets another name first, which is returned. At no moment is the
/// target missing or incomplete.
async fn put_in_place(copy: &Path, target: &Path, exists: bool) -> Result<Option<PathBuf>, RestoreError> {
    if !exists {
        // Left by a database that was removed. SQLite would apply them to the copy.
        for ending in ["-wal", "-shm"] {
            allow_missing(fs::remove_file(beside(target, ending)))?;
        }
        fs::rename(copy, target)?;
        return Ok(None);
    }
    if is_in_use(target).await {
        return Err(RestoreError::InUse(target.to_owned()));
    }
    let kept = unused_name(target);
    fs::hard_link(target, &kept)?;
    // Only a damaged database still has them.
    for ending in ["-wal", "-shm"] {
        allow_missing(fs::rename(beside(target, ending), beside(&kept, ending)))?;
    }
    fs::rename(copy, target)?;
    Ok(Some(kept))
}

/// Whether another process has the database open. If none has, its log is written into the file. SQLite ends the log only
/// for the last connection. `false` for a damaged database, which no server can use.
async fn is_in_use(target: &Path) -> bool {
    let ends_log = async {
        let mut connection = AnyConnection::connect(&format!("sqlite:{}", target.display())).await?;
        connection.execute("PRAGMA busy_timeout = 0").await?;
        connection.execute("PRAGMA journal_mode = DELETE").await?;
        connection.close().await
    };
    match ends_log.await {
        Ok(()) => false,
        Err(error) => is_busy(&error),
    }
}

/// SQLITE_BUSY or SQLITE_LOCKED, or an extension of one of them.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    let code: Option<u32> = code.and_then(|code| code.parse().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

fn unused_name(target: &Path) -> PathBuf {
    let mut names = (1..).map(|number| beside(target, &format!(".replaced-{number}")));
    // The numbers do not end.
    names.find(|name| !name.exists()).unwrap_or_default()
}

/// The result of a step on one file, with success if the file does not exist.
pub(crate) fn allow_missing(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file's path with an ending.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
