//! People: the reading side.

use serde_json::{Map, Value, json};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};

use super::people::person;
use crate::{people::AmplitudeId, times};

/// People found by one text, and by what it matched.
pub(crate) struct Found {
    pub(crate) kind: &'static str,
    pub(crate) people: Vec<(Option<String>, AmplitudeId)>,
}

/// Most people answered to a prefix.
const MOST_MATCHES: i64 = 100;

/// Dashboard REST API, "User search": by Amplitude ID, user ID, device ID, or the beginning of a user ID.
pub(crate) async fn search(pool: &SqlitePool, text: &str) -> Result<Found, sqlx::Error> {
    let steps = [
        (
            "match_amplitude_id",
            "SELECT user_id, amplitude_id FROM people WHERE amplitude_id =
               (SELECT coalesce(merged_into, amplitude_id) FROM people WHERE amplitude_id = CAST($1 AS INTEGER))
             AND CAST(CAST($1 AS INTEGER) AS TEXT) = $1 LIMIT $2",
        ),
        (
            "match_user_or_device_id",
            "SELECT user_id, amplitude_id FROM people WHERE user_id = $1
             UNION
             SELECT user_id, amplitude_id FROM people WHERE amplitude_id IN
               (SELECT person FROM person_devices WHERE device_id = $1)
             ORDER BY amplitude_id LIMIT $2",
        ),
        (
            "match_user_id_prefix",
            "SELECT user_id, amplitude_id FROM people WHERE $1 <> '' AND user_id BETWEEN $1 AND $1 || char(1114111)
             ORDER BY user_id LIMIT $2",
        ),
    ];
    for (kind, statement) in steps {
        let people = sqlx::query_as(statement)
            .bind(text)
            .bind(MOST_MATCHES)
            .fetch_all(pool)
            .await?;
        if !people.is_empty() {
            return Ok(Found { kind, people });
        }
    }
    Ok(Found {
        kind: "nomatch",
        people: Vec::new(),
    })
}

/// The person that an Amplitude ID stands for now, merged IDs included.
pub(crate) async fn canonical(
    pool: &SqlitePool,
    amplitude_id: AmplitudeId,
) -> Result<Option<AmplitudeId>, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(merged_into, amplitude_id) FROM people WHERE amplitude_id = $1")
        .bind(amplitude_id)
        .fetch_optional(pool)
        .await
}

/// Dashboard REST API, "User activity": `userData`.
pub(crate) async fn user_data(pool: &SqlitePool, amplitude_id: AmplitudeId) -> Result<Value, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM people WHERE amplitude_id = $1")
        .bind(amplitude_id)
        .fetch_one(pool)
        .await?;
    let person = person(&row)?;
    let merged: Vec<i64> =
        sqlx::query_scalar("SELECT amplitude_id FROM people WHERE merged_into = $1 ORDER BY amplitude_id")
            .bind(amplitude_id)
            .fetch_all(pool)
            .await?;
    let devices: Vec<String> =
        sqlx::query_scalar("SELECT device_id FROM person_devices WHERE person = $1 ORDER BY device_id")
            .bind(amplitude_id)
            .fetch_all(pool)
            .await?;
    let (sessions, usage_ms): (i64, i64) = sqlx::query_as(
        "SELECT count(*), coalesce(sum(last_event - first_event), 0) FROM sessions WHERE person = $1",
    )
    .bind(amplitude_id)
    .fetch_one(pool)
    .await?;
    let known = |key: &str| person.context.get(key).cloned().unwrap_or(Value::Null);
    Ok(json!({
        "user_id": person.user_id,
        "canonical_amplitude_id": amplitude_id,
        "merged_amplitude_ids": merged,
        "num_events": person.num_events,
        "num_sessions": sessions,
        "usage_time": usage_ms,
        "first_used": person.first_used.map(times::day),
        "last_used": person.last_used.map(times::day),
        "purchases": person.purchases,
        "revenue": person.revenue,
        "platform": known("platform"),
        "os": system(&person.context),
        "version": known("version_name"),
        "device": known("device_family"),
        "device_type": known("device_type"),
        "carrier": known("device_carrier"),
        "country": known("country"),
        "region": known("region"),
        "city": known("city"),
        "dma": known("dma"),
        "language": known("language"),
        "start_version": known("start_version"),
        "device_ids": devices,
        "last_location": location(&person.context),
        "properties": person.properties,
    }))
}

/// Which people to list.
#[derive(Debug, Default)]
pub(crate) struct PeopleFilter {
    /// Part of a user ID or device ID, or an Amplitude ID.
    pub(crate) query: Option<String>,
    /// A user property that they have.
    pub(crate) property: Option<String>,
    /// The value of that property, as text.
    pub(crate) value: Option<String>,
    pub(crate) limit: i64,
}

/// People, those seen last first.
pub(crate) async fn people(pool: &SqlitePool, filter: &PeopleFilter) -> Result<Vec<Value>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT *,
           (SELECT count(*) FROM sessions WHERE person = amplitude_id) AS num_sessions,
           (SELECT json_group_array(json_object('device_id', device_id, 'derived', json(iif(derived, 'true', 'false'))))
              FROM person_devices WHERE person = amplitude_id) AS device_list,
           (SELECT json_group_array(merged.amplitude_id) FROM people AS merged
              WHERE merged.merged_into = people.amplitude_id) AS merged_list
         FROM people WHERE merged_into IS NULL",
    );
    if let Some(text) = &filter.query {
        query
            .push(" AND (instr(user_id, ")
            .push_bind(text)
            .push(") OR CAST(amplitude_id AS TEXT) = ");
        query
            .push_bind(text)
            .push(" OR amplitude_id IN (SELECT merged_into FROM people WHERE CAST(amplitude_id AS TEXT) = ");
        query
            .push_bind(text)
            .push(") OR amplitude_id IN (SELECT person FROM person_devices WHERE instr(device_id, ");
        query.push_bind(text).push(")))");
    }
    if let Some(property) = &filter.property {
        query
            .push(" AND EXISTS (SELECT 1 FROM json_each(people.properties) AS held WHERE held.key = ")
            .push_bind(property);
        if let Some(value) = &filter.value {
            query.push(" AND CASE held.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(held.value AS TEXT) END = ");
            query.push_bind(value);
        }
        query.push(")");
    }
    query
        .push(" ORDER BY last_used DESC NULLS LAST, amplitude_id DESC LIMIT ")
        .push_bind(filter.limit);
    let rows = query.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let person = person(row)?;
            Ok(json!({
                "amplitude_id": person.amplitude_id,
                "merged_amplitude_ids": list(&row.try_get::<String, _>("merged_list")?),
                "user_id": person.user_id,
                "devices": list(&row.try_get::<String, _>("device_list")?),
                "num_events": person.num_events,
                "num_sessions": row.try_get::<i64, _>("num_sessions")?,
                "revenue": person.revenue,
                "first_used": person.first_used.map(times::exported),
                "last_used": person.last_used.map(times::exported),
                "properties": person.properties,
            }))
        })
        .collect()
}

/// A person's sessions, newest first, with their lengths.
pub(crate) async fn sessions(
    pool: &SqlitePool,
    person: AmplitudeId,
    limit: i64,
) -> Result<Vec<Value>, sqlx::Error> {
    let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT session_id, first_event, last_event, events FROM sessions WHERE person = $1
         ORDER BY session_id DESC LIMIT $2",
    )
    .bind(person)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(session_id, first, last, events)| {
            json!({
                "session_id": session_id,
                "first_event": times::exported(first),
                "last_event": times::exported(last),
                "length_ms": last - first,
                "events": events,
            })
        })
        .collect())
}

fn system(context: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| context.get(key).and_then(Value::as_str);
    let name = text("os_name")?;
    Some(text("os_version").map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
}

fn location(context: &Map<String, Value>) -> Option<Value> {
    Some(json!({"lat": context.get("location_lat")?, "lng": context.get("location_lng")?}))
}

fn list(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!([]))
}
