//! SQL of login cookies.

use db::{Db, Statement};

/// Returns false if a cookie with this hash already exists.
pub(in crate::accounts) async fn insert_cookie(
    db: &Db,
    id_hash: &str,
    data: &str,
    expires_at_ms: i64,
) -> Result<bool, sqlx::Error> {
    let insert = Statement::new(
        "INSERT INTO login_cookies (id_hash, data, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (id_hash) DO NOTHING",
    )
    .bind(id_hash)
    .bind(data)
    .bind(expires_at_ms);
    Ok(db.execute([insert]).await? == 1)
}

pub(in crate::accounts) async fn save_cookie(
    db: &Db,
    id_hash: &str,
    data: &str,
    expires_at_ms: i64,
) -> Result<(), sqlx::Error> {
    let save = Statement::new(
        "INSERT INTO login_cookies (id_hash, data, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (id_hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at",
    )
    .bind(id_hash)
    .bind(data)
    .bind(expires_at_ms);
    db.execute([save]).await.map(drop)
}

/// Returns data and expiry (ms since the epoch) of a cookie that has not expired.
pub(in crate::accounts) async fn cookie(
    pool: &db::Pool,
    id_hash: &str,
    now_ms: i64,
) -> Result<Option<(String, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT data, expires_at FROM login_cookies WHERE id_hash = $1 AND expires_at > $2")
        .bind(id_hash)
        .bind(now_ms)
        .fetch_optional(pool)
        .await
}

/// Moves the cookie's expiry forward to `expires_at_ms`, if it is later.
pub(in crate::accounts) async fn expire_soon(
    db: &Db,
    id_hash: &str,
    expires_at_ms: i64,
) -> Result<(), sqlx::Error> {
    let update =
        Statement::new("UPDATE login_cookies SET expires_at = $2 WHERE id_hash = $1 AND expires_at > $2")
            .bind(id_hash)
            .bind(expires_at_ms);
    db.execute([update]).await.map(drop)
}
