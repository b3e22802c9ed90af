//! SQL of credentials.

use tracking::UserId;

pub(super) async fn password_hash(pool: &db::Pool, user: UserId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL")
        .bind(user.to_string())
        .fetch_optional(pool)
        .await
}
