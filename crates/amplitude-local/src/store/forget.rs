//! Forgetting people: their events, properties, sessions and devices, and what the logs say of them.

use sqlx::SqliteConnection;

use super::Store;
use crate::people::AmplitudeId;

/// Forgets them all, or nobody: the inner error names the IDs that nobody has, unless those are to be ignored. Answers the
/// Amplitude IDs that are gone.
pub(crate) async fn people(
    store: &Store,
    user_ids: &[String],
    amplitude_ids: &[AmplitudeId],
    ignore_unknown: bool,
) -> Result<Result<Vec<AmplitudeId>, Vec<String>>, sqlx::Error> {
    let mut tx = store.begin().await?;
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for user_id in user_ids {
        match by_user_id(&mut tx, user_id).await? {
            Some(person) => found.push(person),
            None => unknown.push(user_id.clone()),
        }
        // Refused events never became anybody's.
        forget_logs(&mut tx, user_id).await?;
    }
    for &amplitude_id in amplitude_ids {
        match by_amplitude_id(&mut tx, amplitude_id).await? {
            Some(person) => found.push(person),
            None => unknown.push(amplitude_id.to_string()),
        }
    }
    if !unknown.is_empty() && !ignore_unknown {
        return Ok(Err(unknown));
    }
    found.sort_unstable();
    found.dedup();
    for &person in &found {
        forget(&mut tx, person).await?;
    }
    tx.commit().await?;
    Ok(Ok(found))
}

async fn by_user_id(
    connection: &mut SqliteConnection,
    user_id: &str,
) -> Result<Option<AmplitudeId>, sqlx::Error> {
    sqlx::query_scalar("SELECT amplitude_id FROM people WHERE user_id = $1")
        .bind(user_id)
        .fetch_optional(connection)
        .await
}

/// A merged ID stands for the person that it was merged into.
async fn by_amplitude_id(
    connection: &mut SqliteConnection,
    amplitude_id: AmplitudeId,
) -> Result<Option<AmplitudeId>, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(merged_into, amplitude_id) FROM people WHERE amplitude_id = $1")
        .bind(amplitude_id)
        .fetch_optional(connection)
        .await
}

async fn forget_logs(connection: &mut SqliteConnection, user_id: &str) -> Result<(), sqlx::Error> {
    for statement in [
        "DELETE FROM refused WHERE user_id = $1",
        "DELETE FROM deliveries WHERE user_id = $1",
    ] {
        sqlx::query(statement)
            .bind(user_id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn forget(connection: &mut SqliteConnection, person: AmplitudeId) -> Result<(), sqlx::Error> {
    for statement in [
        // Anonymous events of theirs were delivered without a user ID.
        "DELETE FROM deliveries WHERE (insert_id, device_id) IN
           (SELECT insert_id, device_id FROM events WHERE person = $1 AND insert_id IS NOT NULL)",
        "DELETE FROM deliveries WHERE user_id = (SELECT user_id FROM people WHERE amplitude_id = $1)",
        "DELETE FROM refused WHERE user_id = (SELECT user_id FROM people WHERE amplitude_id = $1)",
        "DELETE FROM events WHERE person = $1",
        "DELETE FROM sessions WHERE person = $1",
        "DELETE FROM person_devices WHERE person = $1",
        "DELETE FROM devices WHERE holder = $1",
        "DELETE FROM people WHERE merged_into = $1",
        "DELETE FROM people WHERE amplitude_id = $1",
    ] {
        sqlx::query(statement)
            .bind(person)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
