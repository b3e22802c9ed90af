//! `POST /api/2/deletions/users`, as Amplitude's User Privacy API has it. Amplitude collects requests into a job that runs
//! days later; here the person is forgotten before the answer, and the job it tells of is done.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{broken, dashboard, refusal};
use crate::{collector::Collector, people::AmplitudeId, store::forget, times};

/// User Privacy API, "Limits".
const MOST: usize = 100;

/// What a request asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    user_ids: Vec<String>,
    amplitude_ids: Vec<AmplitudeId>,
    requester: String,
    ignore_invalid_id: bool,
}

/// See the module.
pub(super) async fn delete_users(
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if !dashboard::may_read(collector.settings(), &headers) {
        return dashboard::unauthorized();
    }
    let request = match read(&body) {
        Ok(request) => request,
        Err(sentence) => return refusal(StatusCode::BAD_REQUEST, sentence),
    };
    let store = collector.store();
    let forgotten = forget::people(
        store,
        &request.user_ids,
        &request.amplitude_ids,
        request.ignore_invalid_id,
    );
    match forgotten.await {
        Ok(Ok(people)) => {
            let today = times::day(collector.now_ms());
            let people: Vec<Value> = people
                .into_iter()
                .map(|id| json!({"amplitude_id": id, "requested_on_day": today, "requester": request.requester}))
                .collect();
            Json(json!({"day": today, "status": "done", "amplitude_ids": people})).into_response()
        }
        Ok(Err(unknown)) => refusal(
            StatusCode::BAD_REQUEST,
            format!(
                "invalid IDs: {}; ignore_invalid_id passes over them",
                unknown.join(", ")
            ),
        ),
        Err(error) => broken(&error),
    }
}

/// Reads the body. Its flags are texts in Amplitude's examples, in either case; booleans will do as well, and the older
/// name of one of them.
fn read(body: &str) -> Result<Request, &'static str> {
    let body: Map<String, Value> = serde_json::from_str(body).map_err(|_| "the body is no JSON object")?;
    let list = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list.clone()),
        Some(_) => Err("user_ids and amplitude_ids are lists"),
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
            _ => Err("a user ID is a text"),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let amplitude_ids = list("amplitude_ids")?
        .into_iter()
        .map(|id| {
            let text = id.as_str().and_then(|text| text.parse().ok());
            id.as_i64().or(text).ok_or("an Amplitude ID is a number")
        })
        .collect::<Result<Vec<_>, _>>()?;
    match user_ids.len() + amplitude_ids.len() {
        0 => return Err("user_ids or amplitude_ids must name somebody"),
        1..=MOST => {}
        _ => return Err("a request names at most 100 people"),
    }
    Ok(Request {
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
    fn bodies() {
        let request = read(
            r#"{"user_ids": ["u-1", 1000], "amplitude_ids": [7, "8"], "requester": "a@b", "ignore_invalid_id": "True"}"#,
        );
        let expected = Request {
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
