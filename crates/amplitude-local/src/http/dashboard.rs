//! The Dashboard REST API: user search and user activity, in Amplitude's format.

use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth,
    responses::{error_response, json_text_response, state_error_response},
};
use crate::{
    collector::Collector,
    store::{
        event_queries::{self, ActivityDirection},
        people_queries,
    },
};

#[derive(Deserialize)]
pub(super) struct UserSearch {
    user: String,
}

/// `GET /api/2/usersearch?user=`
pub(super) async fn user_search(
    State(collector): State<Collector>,
    headers: HeaderMap,
    Query(query): Query<UserSearch>,
) -> Response {
    if !auth::is_authorized(collector.settings(), &headers) {
        return auth::unauthorized();
    }
    let found = match people_queries::search(collector.store().readers(), &query.user).await {
        Ok(found) => found,
        Err(error) => return state_error_response(&error),
    };
    let matches: Vec<Value> = found
        .people
        .into_iter()
        .map(|(user_id, amplitude_id)| json!({"user_id": user_id, "amplitude_id": amplitude_id}))
        .collect();
    Json(json!({"matches": matches, "type": found.match_type})).into_response()
}

#[derive(Deserialize)]
pub(super) struct UserActivity {
    user: i64,
    #[serde(default)]
    offset: u32,
    limit: Option<u32>,
    direction: Option<String>,
}

/// `GET /api/2/useractivity?user=<Amplitude ID>&offset&limit&direction`. `limit` counts events; at most 1000.
pub(super) async fn user_activity(
    State(collector): State<Collector>,
    headers: HeaderMap,
    Query(query): Query<UserActivity>,
) -> Response {
    if !auth::is_authorized(collector.settings(), &headers) {
        return auth::unauthorized();
    }
    let direction = match query.direction.as_deref() {
        None | Some("latest") => ActivityDirection::Latest,
        Some("earliest") => ActivityDirection::Earliest,
        Some(_) => {
            return error_response(StatusCode::BAD_REQUEST, "direction must be latest or earliest");
        }
    };
    let pool = collector.store().readers();
    let limit = i64::from(query.limit.unwrap_or(1000).clamp(1, 1000));
    let activity = async {
        let Some(person) = people_queries::canonical(pool, query.user).await? else {
            return Ok(None);
        };
        let user_data = people_queries::user_data(pool, person).await?;
        let events = event_queries::activity(pool, person, i64::from(query.offset), limit, direction).await?;
        Ok(Some((user_data, events)))
    };
    match activity.await {
        Ok(Some((user_data, events))) => json_text_response(format!(
            r#"{{"userData":{user_data},"events":[{}]}}"#,
            events.join(",")
        )),
        Ok(None) => error_response(StatusCode::NOT_FOUND, "no person has this Amplitude ID"),
        Err(error) => state_error_response(&error),
    }
}
