//! The SQL of the machine's limits: one table, at the durability of the app.

use db::Engine;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// Connects without the app's pool, and creates the table.
pub(super) async fn connect(engine: Engine, url: &str) -> Result<AnyConnection, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let url = match engine {
        Engine::Sqlite => format!("{url}?mode=rwc"),
        Engine::Postgres => url.to_owned(),
    };
    let mut connection = AnyConnection::connect(&url).await?;
    if engine == Engine::Sqlite {
        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;";
        connection.execute(settings).await?;
    }
    let create = "CREATE TABLE IF NOT EXISTS bare_rows (id TEXT PRIMARY KEY, payload TEXT NOT NULL)";
    connection.execute(create).await?;
    Ok(connection)
}

/// Inserts rows in one statement, which is one transaction.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    rows: &[(String, String)],
) -> Result<(), sqlx::Error> {
    let holders: Vec<_> = (0..rows.len())
        .map(|row| format!("(${}, ${})", 2 * row + 1, 2 * row + 2))
        .collect();
    let statement = format!(
        "INSERT INTO bare_rows (id, payload) VALUES {}",
        holders.join(", ")
    );
    let query = rows
        .iter()
        .fold(sqlx::query(AssertSqlSafe(statement)), |query, (id, payload)| {
            query.bind(id).bind(payload)
        });
    query.execute(connection).await.map(drop)
}

/// Whether a commit waits for the disk. A Postgres server for tests may not.
pub(super) async fn is_durable(connection: &mut AnyConnection, engine: Engine) -> Result<bool, sqlx::Error> {
    match engine {
        Engine::Sqlite => Ok(true),
        Engine::Postgres => {
            let fsync: String = sqlx::query_scalar("SELECT current_setting('fsync')")
                .fetch_one(connection)
                .await?;
            Ok(fsync == "on")
        }
    }
}
