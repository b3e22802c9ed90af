//! Events: the reading side. Bodies are handed on as the JSON text that they are stored as.

use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use crate::people::AmplitudeId;

/// From which end a person's events are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Latest,
    Earliest,
}

/// Events added at most so that no session of a page is cut.
const MOST_ADDED: i64 = 5_000;

/// One page of a person's events, and the rest of the sessions that it would cut off.
pub(crate) async fn activity(
    pool: &SqlitePool,
    person: AmplitudeId,
    offset: i64,
    limit: i64,
    direction: Direction,
) -> Result<Vec<String>, sqlx::Error> {
    let (page, rest, order) = match direction {
        Direction::Latest => (
            "SELECT sequence, event_time, session_id, body FROM events WHERE person = $1
             ORDER BY event_time DESC, sequence DESC LIMIT $2 OFFSET $3",
            " AND (event_time, sequence) < (",
            " ORDER BY event_time DESC, sequence DESC LIMIT ",
        ),
        Direction::Earliest => (
            "SELECT sequence, event_time, session_id, body FROM events WHERE person = $1
             ORDER BY event_time, sequence LIMIT $2 OFFSET $3",
            " AND (event_time, sequence) > (",
            " ORDER BY event_time, sequence LIMIT ",
        ),
    };
    let rows: Vec<(i64, i64, Option<i64>, String)> = sqlx::query_as(page)
        .bind(person)
        .bind(limit)
        .bind(offset)
        .fetch_all(pool)
        .await?;
    let sessions: BTreeSet<i64> = rows
        .iter()
        .filter_map(|(_, _, session_id, _)| *session_id)
        .collect();
    let Some((last_sequence, last_ms, ..)) = rows.last() else {
        return Ok(Vec::new());
    };
    let mut query = QueryBuilder::<Sqlite>::new("SELECT body FROM events WHERE person = ");
    query
        .push_bind(person)
        .push(rest)
        .push_bind(last_ms)
        .push(", ")
        .push_bind(last_sequence);
    query.push(") AND session_id IN (");
    let mut list = query.separated(", ");
    for session_id in &sessions {
        list.push_bind(session_id);
    }
    query.push(")").push(order).push_bind(MOST_ADDED);
    let added: Vec<String> = query.build_query_scalar().fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(.., body)| body).chain(added).collect())
}

/// Which events to list.
#[derive(Debug, Default)]
pub(crate) struct EventFilter {
    /// A user ID or an Amplitude ID: all events of that person, anonymous ones included.
    pub(crate) user: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) insert_id: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) after: i64,
    pub(crate) newest_first: bool,
    pub(crate) limit: i64,
}

/// Accepted events with their sequence numbers, in order of arrival.
pub(crate) async fn events(
    pool: &SqlitePool,
    filter: &EventFilter,
) -> Result<Vec<(i64, String)>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT sequence, body FROM events WHERE sequence > ");
    query.push_bind(filter.after);
    if let Some(user) = &filter.user {
        query.push(" AND ");
        push_person(&mut query, user);
    }
    for (column, value) in [
        (" AND device_id = ", &filter.device),
        (" AND insert_id = ", &filter.insert_id),
        (" AND event_type = ", &filter.event_type),
    ] {
        if let Some(value) = value {
            query.push(column).push_bind(value);
        }
    }
    query.push(if filter.newest_first {
        " ORDER BY sequence DESC LIMIT "
    } else {
        " ORDER BY sequence LIMIT "
    });
    query.push_bind(filter.limit);
    query.build_query_as().fetch_all(pool).await
}

/// Whom a live feed follows: a person, a device, either (both given), or everyone (neither).
#[derive(Clone, Debug, Default)]
pub(crate) struct Followed {
    pub(crate) user: Option<String>,
    pub(crate) device: Option<String>,
}

/// One message of a live feed.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct FeedItem {
    pub(crate) sequence: i64,
    pub(crate) kind: String,
    pub(crate) body: String,
}

/// Accepted and refused events after a position, in order of arrival.
pub(crate) async fn feed(
    pool: &SqlitePool,
    after: i64,
    followed: &Followed,
    limit: i64,
) -> Result<Vec<FeedItem>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT sequence, 'accepted' AS kind, body FROM events WHERE sequence > ",
    );
    query.push_bind(after);
    push_followed(&mut query, followed, push_person);
    query
        .push(" UNION ALL SELECT sequence, 'refused', body FROM refused WHERE sequence > ")
        .push_bind(after);
    push_followed(&mut query, followed, |query, user| {
        query.push("user_id = ").push_bind(user.to_owned());
    });
    query.push(" ORDER BY sequence LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(pool).await
}

/// The newest number given to an event, refused ones included.
pub(crate) async fn latest_sequence(pool: &SqlitePool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT value FROM counters WHERE name = 'sequence'")
        .fetch_one(pool)
        .await
}

fn push_followed(
    query: &mut QueryBuilder<Sqlite>,
    followed: &Followed,
    push_user: impl FnOnce(&mut QueryBuilder<Sqlite>, &str),
) {
    match (&followed.user, &followed.device) {
        (None, None) => {}
        (Some(user), None) => {
            query.push(" AND ");
            push_user(query, user);
        }
        (None, Some(device)) => {
            query.push(" AND device_id = ").push_bind(device.clone());
        }
        (Some(user), Some(device)) => {
            query
                .push(" AND (device_id = ")
                .push_bind(device.clone())
                .push(" OR ");
            push_user(query, user);
            query.push(")");
        }
    }
}

/// The person whom a user ID stands for, or else an Amplitude ID. One value, so that an index gives the order.
fn push_person(query: &mut QueryBuilder<Sqlite>, user: &str) {
    query.push("person = (SELECT coalesce(merged_into, amplitude_id) FROM people WHERE user_id = ");
    query.push_bind(user.to_owned());
    if let Ok(amplitude_id) = user.parse::<i64>() {
        query.push(" UNION ALL SELECT coalesce(merged_into, amplitude_id) FROM people WHERE amplitude_id = ");
        query.push_bind(amplitude_id);
    }
    query.push(" LIMIT 1)");
}
