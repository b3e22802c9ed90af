//! SQL of the list of logins.

use sqlx::Row;
use tracking::UserId;
use uuid::Uuid;

use super::OpenLogin;
use crate::accounts::login_lifetime::OpenBounds;

pub(super) async fn open(
    pool: &db::Pool,
    user: UserId,
    bounds: OpenBounds,
) -> Result<Vec<OpenLogin>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, created_at, last_seen_at, user_agent FROM logins
         WHERE user_id = $1 AND ended_at IS NULL AND created_at > $2 AND last_seen_at > $3
         ORDER BY last_seen_at DESC, id DESC",
    )
    .bind(user.to_string())
    .bind(bounds.signed_in_after_ms)
    .bind(bounds.seen_after_ms)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let id: String = row.try_get("id")?;
            Ok(OpenLogin {
                id: Uuid::parse_str(&id).map_err(|error| sqlx::Error::Decode(error.into()))?,
                signed_in_at_ms: row.try_get("created_at")?,
                last_seen_at_ms: row.try_get("last_seen_at")?,
                user_agent: row.try_get("user_agent")?,
            })
        })
        .collect()
}

pub(super) async fn belongs_to(
    connection: &mut db::Connection,
    login: Uuid,
    user: UserId,
) -> Result<bool, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar("SELECT id FROM logins WHERE id = $1 AND user_id = $2")
        .bind(login.to_string())
        .bind(user.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}
