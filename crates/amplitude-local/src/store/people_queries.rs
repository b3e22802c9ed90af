//! People: queries.

use serde_json::{Map, Value, json};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};

use super::people::person;
use crate::{attribution::AmplitudeId, times};

/// People who match a search text, and the kind of ID that matched.
pub(crate) struct SearchResult {
    pub(crate) match_type: &'static str,
    pub(crate) people: Vec<(Option<String>, AmplitudeId)>,
}

/// Most people in a search result.
const MAX_MATCHES: i64 = 100;

/// Searches by Amplitude ID, then by user ID or device ID, then by user ID prefix (Dashboard REST API, "User search").
pub(crate) async fn search(pool: &SqlitePool, text: &str) -> Result<SearchResult, sqlx::Error> {
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
    for (match_type, statement) in steps {
        let people = sqlx::query_as(statement)
            .bind(text)
            .bind(MAX_MATCHES)
            .fetch_all(pool)
            .await?;
        if !people.is_empty() {
            return Ok(SearchResult { match_type, people });
        }
    }
    Ok(SearchResult {
        match_type: "nomatch",
        people: Vec::new(),
    })
}

/// The person with this Amplitude ID, or the person it was merged into.
pub(crate) async fn canonical(
    pool: &SqlitePool,
    amplitude_id: AmplitudeId,
) -> Result<Option<AmplitudeId>, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(merged_into, amplitude_id) FROM people WHERE amplitude_id = $1")
        .bind(amplitude_id)
        .fetch_optional(pool)
        .await
}

/// A person's `userData` (Dashboard REST API, "User activity").
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
    let context = |key: &str| person.context.get(key).cloned().unwrap_or(Value::Null);
    Ok(json!({
        "user_id": person.user_id,
        "canonical_amplitude_id": amplitude_id,
        "merged_amplitude_ids": merged,
        "num_events": person.num_events,
        "num_sessions": sessions,
        "usage_time": usage_ms,
        "first_used": person.first_used.map(times::format_day),
        "last_used": person.last_used.map(times::format_day),
        "purchases": person.purchases,
        "revenue": person.revenue,
        "platform": context("platform"),
        "os": operating_system(&person.context),
        "version": context("version_name"),
        "device": context("device_family"),
        "device_type": context("device_type"),
        "carrier": context("device_carrier"),
        "country": context("country"),
        "region": context("region"),
        "city": context("city"),
        "dma": context("dma"),
        "language": context("language"),
        "start_version": context("start_version"),
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
    /// A user property that the person must have.
    pub(crate) property: Option<String>,
    /// The required value of that property, as text.
    pub(crate) value: Option<String>,
    pub(crate) limit: i64,
}

/// People, sorted by their last event, newest first.
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
            .push(" AND EXISTS (SELECT 1 FROM json_each(people.properties) AS property WHERE property.key = ")
            .push_bind(property);
        if let Some(value) = &filter.value {
            query.push(" AND CASE property.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(property.value AS TEXT) END = ");
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
                "merged_amplitude_ids": json_list(&row.try_get::<String, _>("merged_list")?),
                "user_id": person.user_id,
                "devices": json_list(&row.try_get::<String, _>("device_list")?),
                "num_events": person.num_events,
                "num_sessions": row.try_get::<i64, _>("num_sessions")?,
                "revenue": person.revenue,
                "first_used": person.first_used.map(times::format_time),
                "last_used": person.last_used.map(times::format_time),
                "properties": person.properties,
            }))
        })
        .collect()
}

/// A person's sessions with their lengths, newest first.
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
                "first_event": times::format_time(first),
                "last_event": times::format_time(last),
                "length_ms": last - first,
                "events": events,
            })
        })
        .collect())
}

fn operating_system(context: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| context.get(key).and_then(Value::as_str);
    let name = text("os_name")?;
    Some(text("os_version").map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
}

fn location(context: &Map<String, Value>) -> Option<Value> {
    Some(json!({"lat": context.get("location_lat")?, "lng": context.get("location_lng")?}))
}

fn json_list(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!([]))
}
