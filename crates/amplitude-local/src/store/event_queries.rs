//! Accepted events: queries. An event body is returned as the stored JSON text.

use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use crate::attribution::AmplitudeId;

/// The order of a person's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActivityDirection {
    Latest,
    Earliest,
}

/// Most events added to a page to complete its sessions.
const MAX_ADDED: i64 = 5_000;

/// One page of a person's events, and the remaining events of the sessions on that page.
pub(crate) async fn activity(
    pool: &SqlitePool,
    person: AmplitudeId,
    offset: i64,
    limit: i64,
    direction: ActivityDirection,
) -> Result<Vec<String>, sqlx::Error> {
    let (page, rest, order) = match direction {
        ActivityDirection::Latest => (
            "SELECT sequence, event_time, session_id, body FROM events WHERE person = $1
             ORDER BY event_time DESC, sequence DESC LIMIT $2 OFFSET $3",
            " AND (event_time, sequence) < (",
            " ORDER BY event_time DESC, sequence DESC LIMIT ",
        ),
        ActivityDirection::Earliest => (
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
    query.push(")").push(order).push_bind(MAX_ADDED);
    let added: Vec<String> = query.build_query_scalar().fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(.., body)| body).chain(added).collect())
}

/// Which events to list.
#[derive(Debug, Default)]
pub(crate) struct EventFilter {
    /// A user ID or an Amplitude ID: all events of that person, including anonymous ones.
    pub(crate) user: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) insert_id: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) after: i64,
    pub(crate) newest_first: bool,
    pub(crate) limit: i64,
}

/// Accepted events with their sequence numbers, in the order they were received.
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

/// The events in a live feed: those of a person, of a device, of either (if both are set) or all (if none is set).
#[derive(Clone, Debug, Default)]
pub(crate) struct FeedFilter {
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

/// Accepted and refused events after the sequence number `after`, in the order they were received.
pub(crate) async fn feed(
    pool: &SqlitePool,
    after: i64,
    filter: &FeedFilter,
    limit: i64,
) -> Result<Vec<FeedItem>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT sequence, 'accepted' AS kind, body FROM events WHERE sequence > ",
    );
    query.push_bind(after);
    push_feed_filter(&mut query, filter, push_person);
    query
        .push(" UNION ALL SELECT sequence, 'refused', body FROM refused WHERE sequence > ")
        .push_bind(after);
    push_feed_filter(&mut query, filter, |query, user| {
        query.push("user_id = ").push_bind(user.to_owned());
    });
    query.push(" ORDER BY sequence LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(pool).await
}

/// The newest sequence number of accepted and refused events.
pub(crate) async fn latest_sequence(pool: &SqlitePool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT value FROM counters WHERE name = 'sequence'")
        .fetch_one(pool)
        .await
}

fn push_feed_filter(
    query: &mut QueryBuilder<Sqlite>,
    filter: &FeedFilter,
    push_user: impl FnOnce(&mut QueryBuilder<Sqlite>, &str),
) {
    match (&filter.user, &filter.device) {
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

/// Restricts a query to the person with this user ID, or else with this Amplitude ID. The subquery returns one value, so that
/// SQLite can sort by the index.
fn push_person(query: &mut QueryBuilder<Sqlite>, user: &str) {
    query.push("person = (SELECT coalesce(merged_into, amplitude_id) FROM people WHERE user_id = ");
    query.push_bind(user.to_owned());
    if let Ok(amplitude_id) = user.parse::<i64>() {
        query.push(" UNION ALL SELECT coalesce(merged_into, amplitude_id) FROM people WHERE amplitude_id = ");
        query.push_bind(amplitude_id);
    }
    query.push(" LIMIT 1)");
}
