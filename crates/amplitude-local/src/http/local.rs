//! The stand-in's own API under `/local/`: people, events, refused events, the delivery log, faults and reset.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::responses::{error_response, json_text_response, state_error_response};
use crate::{
    collector::Collector,
    faults::FaultSwitch,
    store::{
        delivery_log,
        event_queries::{self, EventFilter},
        people_queries::{self, PeopleFilter},
    },
};

/// Rows in a response when the request has no `limit`.
const DEFAULT_ROWS: u32 = 100;
/// Most rows in a response.
const MAX_ROWS: u32 = 10_000;

fn row_limit(limit: Option<u32>) -> i64 {
    i64::from(limit.unwrap_or(DEFAULT_ROWS).clamp(1, MAX_ROWS))
}

/// Whether a page has all the rows it may have, so that another page may follow.
fn is_full(rows: usize, limit: i64) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= limit)
}

#[derive(Deserialize)]
pub(super) struct PeopleQuery {
    query: Option<String>,
    property: Option<String>,
    value: Option<String>,
    limit: Option<u32>,
}

/// `GET /local/people?query=&property=&value=&limit=`
pub(super) async fn people(State(collector): State<Collector>, Query(query): Query<PeopleQuery>) -> Response {
    let non_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = PeopleFilter {
        query: non_empty(query.query),
        property: non_empty(query.property),
        value: non_empty(query.value),
        limit: row_limit(query.limit),
    };
    match people_queries::people(collector.store().readers(), &filter).await {
        Ok(people) => Json(json!({"people": people})).into_response(),
        Err(error) => state_error_response(&error),
    }
}

/// `GET /local/people/<Amplitude ID>`: `userData` and sessions.
pub(super) async fn person(State(collector): State<Collector>, Path(amplitude_id): Path<i64>) -> Response {
    let pool = collector.store().readers();
    let person = async {
        let Some(person) = people_queries::canonical(pool, amplitude_id).await? else {
            return Ok(None);
        };
        let user_data = people_queries::user_data(pool, person).await?;
        let sessions = people_queries::sessions(pool, person, i64::from(MAX_ROWS)).await?;
        Ok(Some(json!({"userData": user_data, "sessions": sessions})))
    };
    match person.await {
        Ok(Some(person)) => Json(person).into_response(),
        Ok(None) => error_response(StatusCode::NOT_FOUND, "no person has this Amplitude ID"),
        Err(error) => state_error_response(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct EventsQuery {
    user: Option<String>,
    device: Option<String>,
    insert_id: Option<String>,
    event_type: Option<String>,
    #[serde(default)]
    after: i64,
    #[serde(default)]
    newest: bool,
    limit: Option<u32>,
}

/// `GET /local/events?user=&device=&insert_id=&event_type=&after=&newest=&limit=`
pub(super) async fn events(State(collector): State<Collector>, Query(query): Query<EventsQuery>) -> Response {
    let limit = row_limit(query.limit);
    let filter = EventFilter {
        user: query.user,
        device: query.device,
        insert_id: query.insert_id,
        event_type: query.event_type,
        after: query.after,
        newest_first: query.newest,
        limit,
    };
    match event_queries::events(collector.store().readers(), &filter).await {
        Ok(events) => {
            let next = events
                .last()
                .filter(|_| is_full(events.len(), limit) && !query.newest)
                .map(|(sequence, _)| *sequence);
            let bodies: Vec<String> = events.into_iter().map(|(_, body)| body).collect();
            json_text_response(format!(
                r#"{{"events":[{}],"next":{}}}"#,
                bodies.join(","),
                json!(next)
            ))
        }
        Err(error) => state_error_response(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct LimitQuery {
    limit: Option<u32>,
}

/// `GET /local/refused?limit=`: refused events and requests, newest first.
pub(super) async fn refused(State(collector): State<Collector>, Query(query): Query<LimitQuery>) -> Response {
    match delivery_log::recently_refused(collector.store().readers(), row_limit(query.limit)).await {
        Ok(bodies) => json_text_response(format!(r#"{{"refused":[{}]}}"#, bodies.join(","))),
        Err(error) => state_error_response(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct RawQuery {
    insert_id: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

/// `GET /local/raw?insert_id=&after=&limit=`: every delivery of every event, oldest first.
pub(super) async fn raw(State(collector): State<Collector>, Query(query): Query<RawQuery>) -> Response {
    let pool = collector.store().readers();
    let limit = row_limit(query.limit);
    match delivery_log::deliveries(pool, query.insert_id.as_deref(), query.after, limit).await {
        Ok(deliveries) => {
            let next = deliveries
                .last()
                .filter(|_| is_full(deliveries.len(), limit))
                .map(|last| last["id"].clone());
            Json(json!({"deliveries": deliveries, "next": next})).into_response()
        }
        Err(error) => state_error_response(&error),
    }
}

/// `GET /local/plan`
pub(super) async fn plan(State(collector): State<Collector>) -> Response {
    Json(json!({"plan": collector.plan().map(|plan| plan.document())})).into_response()
}

/// `GET /local/faults`
pub(super) async fn faults(State(collector): State<Collector>) -> Response {
    Json(json!({"faults": collector.faults().list()})).into_response()
}

/// `POST /local/faults`: one switch or a list of switches, which replace all others. An empty list turns all faults off.
pub(super) async fn set_faults(State(collector): State<Collector>, body: String) -> Response {
    let switches = serde_json::from_str::<Value>(&body).and_then(|value| match value {
        Value::Array(_) => serde_json::from_value::<Vec<FaultSwitch>>(value),
        single => serde_json::from_value::<FaultSwitch>(single).map(|switch| vec![switch]),
    });
    match switches
        .map_err(|error| error.to_string())
        .and_then(|list| collector.faults().replace(list))
    {
        Ok(()) => faults(State(collector)).await,
        Err(error) => error_response(
            StatusCode::BAD_REQUEST,
            format!("{error}; send {{\"answer\": 429, \"count\": 3}} or a list of such switches"),
        ),
    }
}

/// `POST /local/reset`
pub(super) async fn reset(State(collector): State<Collector>) -> Response {
    match collector.reset().await {
        Ok(()) => Json(json!({"code": 200})).into_response(),
        Err(error) => state_error_response(&error),
    }
}
