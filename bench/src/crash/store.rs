//! The SQL of the crash run: reads the app's database.

use db::Db;
use sqlx::Row;

use super::checks::{AccountRow, DatabaseState, LoginRow};

/// Reads accounts, logins and parked outbox rows.
pub(crate) async fn read_state(db: &Db) -> Result<DatabaseState, sqlx::Error> {
    let accounts =
        sqlx::query("SELECT id, email, created_at FROM users ORDER BY created_at, id").fetch_all(db.pool());
    let accounts = accounts
        .await?
        .iter()
        .map(|row| {
            Ok(AccountRow {
                id: row.try_get("id")?,
                email: row.try_get("email")?,
                created_ms: row.try_get("created_at")?,
            })
        })
        .collect::<Result<_, sqlx::Error>>()?;
    let logins = sqlx::query("SELECT id, user_id, created_at, ended_by FROM logins ORDER BY created_at, id");
    let logins = logins
        .fetch_all(db.pool())
        .await?
        .iter()
        .map(|row| {
            Ok(LoginRow {
                id: row.try_get("id")?,
                user: row.try_get("user_id")?,
                created_ms: row.try_get("created_at")?,
                signed_out: row.try_get::<Option<String>, _>("ended_by")?.as_deref() == Some("sign_out"),
            })
        })
        .collect::<Result<_, sqlx::Error>>()?;
    let parked = outbox::parked(db, i64::from(i32::MAX)).await?;
    let parked = parked
        .into_iter()
        .map(|row| (row.insert_id, row.parked_reason.unwrap_or_default()))
        .collect();
    Ok(DatabaseState {
        accounts,
        logins,
        parked,
    })
}
