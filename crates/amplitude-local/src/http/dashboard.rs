//! The reading side in the shapes of Amplitude's Dashboard REST API.

use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{broken, refusal};
use crate::{
    collector::Collector,
    settings::Settings,
    store::{find, read},
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
    if !may_read(collector.settings(), &headers) {
        return unauthorized();
    }
    let found = match find::search(collector.store().readers(), &query.user).await {
        Ok(found) => found,
        Err(error) => return broken(&error),
    };
    let matches: Vec<Value> = found
        .people
        .into_iter()
        .map(|(user_id, amplitude_id)| json!({"user_id": user_id, "amplitude_id": amplitude_id}))
        .collect();
    Json(json!({"matches": matches, "type": found.kind})).into_response()
}

#[derive(Deserialize)]
pub(super) struct UserActivity {
    user: i64,
    #[serde(default)]
    offset: u32,
    limit: Option<u32>,
    direction: Option<String>,
}

/// `GET /api/2/useractivity?user=<Amplitude ID>&offset&limit&direction`. `limit` counts events, 1000 at most.
pub(super) async fn user_activity(
    State(collector): State<Collector>,
    headers: HeaderMap,
    Query(query): Query<UserActivity>,
) -> Response {
    if !may_read(collector.settings(), &headers) {
        return unauthorized();
    }
    let direction = match query.direction.as_deref() {
        None | Some("latest") => read::Direction::Latest,
        Some("earliest") => read::Direction::Earliest,
        Some(_) => return refusal(StatusCode::BAD_REQUEST, "direction is latest or earliest"),
    };
    let pool = collector.store().readers();
    let limit = i64::from(query.limit.unwrap_or(1000).clamp(1, 1000));
    let activity = async {
        let Some(person) = find::canonical(pool, query.user).await? else {
            return Ok(None);
        };
        let user_data = find::user_data(pool, person).await?;
        let events = read::activity(pool, person, i64::from(query.offset), limit, direction).await?;
        Ok(Some((user_data, events)))
    };
    match activity.await {
        Ok(Some((user_data, events))) => json_text(format!(
            r#"{{"userData":{user_data},"events":[{}]}}"#,
            events.join(",")
        )),
        Ok(None) => refusal(StatusCode::NOT_FOUND, "nobody has this Amplitude ID"),
        Err(error) => broken(&error),
    }
}

/// Text that is JSON already: events are stored as they are answered.
pub(super) fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Basic auth with the API key and the secret key; a key that is not configured may be anything.
pub(super) fn may_read(settings: &Settings, headers: &HeaderMap) -> bool {
    if settings.api_key.is_none() && settings.secret_key.is_none() {
        return true;
    }
    let Some((api_key, secret_key)) = credentials(headers) else {
        return false;
    };
    let fits =
        |expected: &Option<String>, given: &str| expected.as_ref().is_none_or(|expected| expected == given);
    fits(&settings.api_key, &api_key) && fits(&settings.secret_key, &secret_key)
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (api_key, secret_key) = pair.split_once(':')?;
    Some((api_key.to_owned(), secret_key.to_owned()))
}

pub(super) fn unauthorized() -> Response {
    let mut response = refusal(
        StatusCode::UNAUTHORIZED,
        "Basic auth with API key and secret key is required",
    );
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        header::HeaderValue::from_static("Basic"),
    );
    response
}
