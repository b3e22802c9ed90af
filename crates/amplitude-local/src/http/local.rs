//! The stand-in's own API: everything that Amplitude does not show.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{broken, dashboard::json_text, refusal};
use crate::{
    collector::Collector,
    faults::Fault,
    store::{
        find::{self, PeopleFilter},
        log,
        read::{self, EventFilter},
    },
};

/// Rows of an answer when the request does not say, and at most.
const USUAL_ROWS: u32 = 100;
const MOST_ROWS: u32 = 10_000;

fn rows(limit: Option<u32>) -> i64 {
    i64::from(limit.unwrap_or(USUAL_ROWS).clamp(1, MOST_ROWS))
}

/// Whether an answer may have a sequel.
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
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = PeopleFilter {
        query: given(query.query),
        property: given(query.property),
        value: given(query.value),
        limit: rows(query.limit),
    };
    match find::people(collector.store().readers(), &filter).await {
        Ok(people) => Json(json!({"people": people})).into_response(),
        Err(error) => broken(&error),
    }
}

/// `GET /local/people/<Amplitude ID>`: `userData` and the sessions.
pub(super) async fn person(State(collector): State<Collector>, Path(amplitude_id): Path<i64>) -> Response {
    let pool = collector.store().readers();
    let person = async {
        let Some(person) = find::canonical(pool, amplitude_id).await? else {
            return Ok(None);
        };
        let user_data = find::user_data(pool, person).await?;
        let sessions = find::sessions(pool, person, i64::from(MOST_ROWS)).await?;
        Ok(Some(json!({"userData": user_data, "sessions": sessions})))
    };
    match person.await {
        Ok(Some(person)) => Json(person).into_response(),
        Ok(None) => refusal(StatusCode::NOT_FOUND, "nobody has this Amplitude ID"),
        Err(error) => broken(&error),
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
    let limit = rows(query.limit);
    let filter = EventFilter {
        user: query.user,
        device: query.device,
        insert_id: query.insert_id,
        event_type: query.event_type,
        after: query.after,
        newest_first: query.newest,
        limit,
    };
    match read::events(collector.store().readers(), &filter).await {
        Ok(events) => {
            let full = i64::try_from(events.len()).is_ok_and(|events| events == limit);
            let next = events
                .last()
                .filter(|_| full && !query.newest)
                .map(|(sequence, _)| *sequence);
            let bodies: Vec<String> = events.into_iter().map(|(_, body)| body).collect();
            json_text(format!(
                r#"{{"events":[{}],"next":{}}}"#,
                bodies.join(","),
                json!(next)
            ))
        }
        Err(error) => broken(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct LimitQuery {
    limit: Option<u32>,
}

/// `GET /local/refused?limit=`, newest first
pub(super) async fn refused(State(collector): State<Collector>, Query(query): Query<LimitQuery>) -> Response {
    match log::recently_refused(collector.store().readers(), rows(query.limit)).await {
        Ok(bodies) => json_text(format!(r#"{{"refused":[{}]}}"#, bodies.join(","))),
        Err(error) => broken(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct RawQuery {
    insert_id: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

/// `GET /local/raw?insert_id=&after=&limit=`: every arrival of every event
pub(super) async fn raw(State(collector): State<Collector>, Query(query): Query<RawQuery>) -> Response {
    let pool = collector.store().readers();
    let limit = rows(query.limit);
    match log::delivered(pool, query.insert_id.as_deref(), query.after, limit).await {
        Ok(deliveries) => {
            let next = deliveries
                .last()
                .filter(|_| is_full(deliveries.len(), limit))
                .map(|last| last["id"].clone());
            Json(json!({"deliveries": deliveries, "next": next})).into_response()
        }
        Err(error) => broken(&error),
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

/// `POST /local/faults`: one switch, or a list of them; an empty list turns all off
pub(super) async fn set_faults(State(collector): State<Collector>, body: String) -> Response {
    let read = serde_json::from_str::<Value>(&body).and_then(|value| match value {
        Value::Array(_) => serde_json::from_value::<Vec<Fault>>(value),
        single => serde_json::from_value::<Fault>(single).map(|fault| vec![fault]),
    });
    match read
        .map_err(|error| error.to_string())
        .and_then(|list| collector.faults().set(list))
    {
        Ok(()) => faults(State(collector)).await,
        Err(error) => refusal(
            StatusCode::BAD_REQUEST,
            format!("{error}; send {{\"answer\": 429, \"count\": 3}} or a list of such switches"),
        ),
    }
}

/// `POST /local/reset`
pub(super) async fn reset(State(collector): State<Collector>) -> Response {
    match collector.reset().await {
        Ok(()) => Json(json!({"code": 200})).into_response(),
        Err(error) => broken(&error),
    }
}
