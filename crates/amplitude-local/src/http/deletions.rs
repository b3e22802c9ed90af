//! `POST /api/2/deletions/users`: Amplitude's User Privacy API.
//!
//! Amplitude collects requests into a job that runs days later. This stand-in deletes the people before it responds, and
//! reports a finished job.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    auth,
    responses::{error_response, state_error_response},
};
use crate::{attribution::AmplitudeId, collector::Collector, store::deletion, times};

/// Most people in one request (User Privacy API, "Limits").
const MAX_PEOPLE: usize = 100;

/// The people to delete.
#[derive(Debug, Default, PartialEq, Eq)]
struct DeletionRequest {
    user_ids: Vec<String>,
    amplitude_ids: Vec<AmplitudeId>,
    requester: String,
    ignore_invalid_id: bool,
}

/// Deletes all people of the request, or none when an ID is unknown and `ignore_invalid_id` is not set (400).
pub(super) async fn delete_users(
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if !auth::is_authorized(collector.settings(), &headers) {
        return auth::unauthorized();
    }
    let request = match read(&body) {
        Ok(request) => request,
        Err(message) => return error_response(StatusCode::BAD_REQUEST, message),
    };
    let store = collector.store();
    let deleted = deletion::delete_people(
        store,
        &request.user_ids,
        &request.amplitude_ids,
        request.ignore_invalid_id,
    );
    match deleted.await {
        Ok(Ok(people)) => {
            let today = times::format_day(collector.now_ms());
            let people: Vec<Value> = people
                .into_iter()
                .map(|id| json!({"amplitude_id": id, "requested_on_day": today, "requester": request.requester}))
                .collect();
            Json(json!({"day": today, "status": "done", "amplitude_ids": people})).into_response()
        }
        Ok(Err(unknown)) => error_response(
            StatusCode::BAD_REQUEST,
            format!(
                "invalid IDs: {}; set ignore_invalid_id to skip them",
                unknown.join(", ")
            ),
        ),
        Err(error) => state_error_response(&error),
    }
}

/// Reads the body. Flags may be booleans or strings in any case, as in Amplitude's examples; `ignore_invalid_ids` is an
/// older name of `ignore_invalid_id`.
///
/// Returns an error message when the body is malformed, names no people, or names more than `MAX_PEOPLE`.
fn read(body: &str) -> Result<DeletionRequest, &'static str> {
    let body: Map<String, Value> =
        serde_json::from_str(body).map_err(|_| "the body must be a JSON object")?;
    let list = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list.clone()),
        Some(_) => Err("user_ids and amplitude_ids must be lists"),
    };
    let flag = |name: &str| match body.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    let user_ids = list("user_ids")?
        .into_iter()
        .map(|id| match id {
            Value::String(id) => Ok(id),
            Value::Number(id) => Ok(id.to_string()),
            _ => Err("a user ID must be a string"),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let amplitude_ids = list("amplitude_ids")?
        .into_iter()
        .map(|id| {
            let text = id.as_str().and_then(|text| text.parse().ok());
            id.as_i64().or(text).ok_or("an Amplitude ID must be a number")
        })
        .collect::<Result<Vec<_>, _>>()?;
    match user_ids.len() + amplitude_ids.len() {
        0 => return Err("user_ids or amplitude_ids must contain an ID"),
        1..=MAX_PEOPLE => {}
        _ => return Err("a request may contain at most 100 IDs"),
    }
    Ok(DeletionRequest {
        user_ids,
        amplitude_ids,
        requester: body
            .get("requester")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        ignore_invalid_id: flag("ignore_invalid_id") || flag("ignore_invalid_ids") || flag("delete_from_org"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_bodies_are_read_or_rejected() {
        let request = read(
            r#"{"user_ids": ["u-1", 1000], "amplitude_ids": [7, "8"], "requester": "a@b", "ignore_invalid_id": "True"}"#,
        );
        let expected = DeletionRequest {
            user_ids: vec!["u-1".to_owned(), "1000".to_owned()],
            amplitude_ids: vec![7, 8],
            requester: "a@b".to_owned(),
            ignore_invalid_id: true,
        };
        assert_eq!(request, Ok(expected));
        for (flags, ignored) in [
            (r#""ignore_invalid_id": "false""#, false),
            (r#""ignore_invalid_id": true"#, true),
            (r#""ignore_invalid_ids": "true""#, true),
            (r#""delete_from_org": "True""#, true),
            (r#""delete_from_org": "False""#, false),
        ] {
            let request = read(&format!(r#"{{"user_ids": ["u"], {flags}}}"#)).unwrap();
            assert_eq!(request.ignore_invalid_id, ignored, "{flags}");
        }
        let many = json!({"user_ids": vec!["u"; 101]}).to_string();
        for body in [
            "",
            "[]",
            "{}",
            r#"{"user_ids": "u"}"#,
            r#"{"user_ids": [{}]}"#,
            r#"{"amplitude_ids": ["x"]}"#,
            &many,
        ] {
            assert!(read(body).is_err(), "{body:.60}");
        }
    }
}
