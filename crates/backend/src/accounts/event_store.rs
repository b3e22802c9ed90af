//! Writes the events of an account's requests to the outbox. The sign-up's own event needs no check.

use db::Connection;
use tracking::ServerEvent;

/// Writes an event that is later than the sign-up of its account. Another server may have handled the sign-up, with a clock
/// that is ahead of this one. `now_ms` is the time of writing, in ms since the epoch.
///
/// # Errors
/// When the database fails.
pub(super) async fn enqueue_after_sign_up(
    connection: &mut Connection,
    event: ServerEvent,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let signed_up_ms: Option<i64> = sqlx::query_scalar("SELECT created_at FROM users WHERE id = $1")
        .bind(event.user().to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let event = event.not_before(signed_up_ms.map_or(i64::MIN, |at_ms| at_ms.saturating_add(1)));
    outbox::enqueue(connection, &event, now_ms).await?;
    Ok(())
}
