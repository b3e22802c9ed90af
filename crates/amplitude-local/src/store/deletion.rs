//! Deleting people: their events, properties, sessions, devices and log rows.

use sqlx::SqliteConnection;

use super::EventStore;
use crate::attribution::AmplitudeId;

/// Deletes all people with these IDs and returns their Amplitude IDs.
///
/// If an ID is unknown and `ignore_unknown` is false, it deletes nothing, and the inner error lists the unknown IDs.
pub(crate) async fn delete_people(
    store: &EventStore,
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
        // Refused events belong to no person, only to a user ID.
        delete_logs(&mut tx, user_id).await?;
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
        delete_person(&mut tx, person).await?;
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

/// The person with this Amplitude ID, or the person it was merged into.
async fn by_amplitude_id(
    connection: &mut SqliteConnection,
    amplitude_id: AmplitudeId,
) -> Result<Option<AmplitudeId>, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(merged_into, amplitude_id) FROM people WHERE amplitude_id = $1")
        .bind(amplitude_id)
        .fetch_optional(connection)
        .await
}

async fn delete_logs(connection: &mut SqliteConnection, user_id: &str) -> Result<(), sqlx::Error> {
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

async fn delete_person(connection: &mut SqliteConnection, person: AmplitudeId) -> Result<(), sqlx::Error> {
    for statement in [
        // Deliveries of anonymous events have no user ID.
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
