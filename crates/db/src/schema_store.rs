//! Compares a database's schema with this version's, without changing the database.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, Connection as _, Row};

use crate::Engine;
use crate::migrate_store::migrations;
use crate::open::{OpenError, engine_of_url, install_drivers};

/// How long an inspection may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How a database's schema differs from this version's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaDifference {
    /// Migrations of this version that have not run.
    pub missing: usize,
    /// Migrations that this version does not have: a newer version has run them.
    pub unknown: Vec<i64>,
    /// Migrations that ran with another content.
    pub changed: Vec<i64>,
}

/// A database that can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedDatabase {
    /// How its schema differs.
    pub schema: SchemaDifference,
    /// On Postgres, whether the connection is encrypted.
    pub is_encrypted: Option<bool>,
}

/// Why a database could not be inspected. The message omits the URL, which may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// There is no SQLite file yet.
    #[error("{} does not exist", .0.display())]
    NoFile(PathBuf),
    /// The URL names neither engine.
    #[error(transparent)]
    Url(#[from] OpenError),
    /// The connection or a statement failed.
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    /// No answer within 10 s.
    #[error("no answer within 10 s")]
    Timeout,
}

/// Connects to the database at `url` and compares its schema. Creates and changes nothing.
///
/// # Errors
/// When the database does not exist, does not answer within 10 s, or refuses the login.
pub async fn inspect(url: &str) -> Result<InspectedDatabase, InspectError> {
    let engine = engine_of_url(url)?;
    if engine == Engine::Sqlite {
        let file = sqlite_file(url)?;
        if !file.exists() {
            return Err(InspectError::NoFile(file));
        }
    }
    let inspected = tokio::time::timeout(TIMEOUT, inspect_existing(url, engine)).await;
    inspected.unwrap_or(Err(InspectError::Timeout))
}

async fn inspect_existing(url: &str, engine: Engine) -> Result<InspectedDatabase, InspectError> {
    install_drivers();
    let mut connection = AnyConnection::connect(url).await?;
    let applied = applied_migrations(&mut connection, engine).await?;
    let is_encrypted = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => {
            let encrypted = "SELECT COUNT(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
            let count: i64 = sqlx::query_scalar(encrypted).fetch_one(&mut connection).await?;
            Some(count > 0)
        }
    };
    connection.close().await?;
    Ok(InspectedDatabase {
        schema: difference(&applied, &migrations(engine)),
        is_encrypted,
    })
}

/// The checksums of the migrations that ran, by version; empty without the table that lists them.
pub(crate) async fn applied_migrations(
    connection: &mut AnyConnection,
    engine: Engine,
) -> Result<BTreeMap<i64, Vec<u8>>, sqlx::Error> {
    let table = match engine {
        Engine::Sqlite => {
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'"
        }
        Engine::Postgres => {
            "SELECT COUNT(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('_sqlx_migrations')"
        }
    };
    let tables: i64 = sqlx::query_scalar(table).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query("SELECT version, checksum FROM _sqlx_migrations")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("version")?, row.try_get("checksum")?)))
        .collect()
}

/// Compares the checksums of migrations that ran, by version, with this version's migrations.
pub(crate) fn difference(applied: &BTreeMap<i64, Vec<u8>>, known: &Migrator) -> SchemaDifference {
    let known: BTreeMap<i64, &[u8]> = known
        .iter()
        .map(|migration| (migration.version, &*migration.checksum))
        .collect();
    let mut difference = SchemaDifference {
        missing: known
            .keys()
            .filter(|version| !applied.contains_key(version))
            .count(),
        ..SchemaDifference::default()
    };
    for (version, checksum) in applied {
        match known.get(version) {
            None => difference.unknown.push(*version),
            Some(known) if known != checksum => difference.changed.push(*version),
            Some(_) => {}
        }
    }
    difference
}

/// The path of the file that a `sqlite:` URL names.
pub(crate) fn sqlite_file(url: &str) -> Result<PathBuf, sqlx::Error> {
    Ok(SqliteConnectOptions::from_str(url)?.get_filename().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_schemas() {
        let known = migrations(Engine::Sqlite);
        let all: BTreeMap<i64, Vec<u8>> = known
            .iter()
            .map(|migration| (migration.version, migration.checksum.to_vec()))
            .collect();
        assert_eq!(difference(&all, &known), SchemaDifference::default());
        let empty = difference(&BTreeMap::new(), &known);
        assert_eq!((empty.missing, empty.unknown.len()), (all.len(), 0));

        let mut newer = all.clone();
        newer.insert(i64::MAX, Vec::new());
        assert_eq!(difference(&newer, &known).unknown, [i64::MAX]);

        let mut changed = all;
        let first = changed.first_entry().map(|mut entry| {
            entry.get_mut().push(0);
            *entry.key()
        });
        assert_eq!(difference(&changed, &known).changed, [first.unwrap()]);
    }
}
