//! `GET /timeline/live`: a person's events as they arrive, as server-sent events. The stand-in's feed has everybody's; here
//! one person's are let through. On a real project there is no feed, and the answer is 204: the browser stops asking.

use app::timeline::{Found, may_read};
use app::visit::Visit;
use axum::extract::{Extension, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::state::AppState;

/// Whose.
#[derive(Debug, Deserialize)]
pub struct Whose {
    find: Option<String>,
}

/// See the module.
pub async fn live(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    Query(whose): Query<Whose>,
) -> Response {
    if !state.site.local_mode {
        return StatusCode::NO_CONTENT.into_response();
    }
    let by = match may_read(&visit, whose.find.as_deref()) {
        Ok(by) => by,
        // No ID is that long, so nothing will ever come.
        Err(Found::Nobody { .. }) => return StatusCode::NO_CONTENT.into_response(),
        Err(_) => return StatusCode::FORBIDDEN.into_response(),
    };
    let reader = state.backend.timeline.reader();
    let person = match reader.find(&by).await {
        Ok(person) => Person {
            by,
            amplitude_id: person,
        },
        Err(error) => return unreadable(&error),
    };
    match reader.live().await {
        Ok(feed) => {
            let events = events(feed.bytes_stream(), person).take_until(state.stop.clone().cancelled_owned());
            Sse::new(events.map(Ok::<_, std::convert::Infallible>))
                .keep_alive(KeepAlive::default())
                .into_response()
        }
        Err(error) => unreadable(&error),
    }
}

fn unreadable(error: &backend::timeline::ReadError) -> Response {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "cannot follow the live feed"
    );
    StatusCode::BAD_GATEWAY.into_response()
}

/// Whom a feed is about.
struct Person {
    by: String,
    amplitude_id: Option<i64>,
}

impl Person {
    fn is_in(&self, event: &Value) -> bool {
        let named = |key: &str| event.get(key).and_then(Value::as_str) == Some(&self.by);
        let known = self.amplitude_id.is_some()
            && event.get("amplitude_id").and_then(Value::as_i64) == self.amplitude_id;
        known || named("user_id") || named("device_id")
    }
}

/// The person's events out of a feed of bytes.
fn events<B: AsRef<[u8]>, E>(
    bytes: impl Stream<Item = Result<B, E>>,
    person: Person,
) -> impl Stream<Item = Event> {
    let mut buffer = Vec::new();
    bytes
        // A feed that breaks off ends; the browser opens a new one.
        .take_while(|chunk| std::future::ready(chunk.is_ok()))
        .flat_map(move |chunk| {
            if let Ok(chunk) = chunk {
                buffer.extend_from_slice(chunk.as_ref());
            }
            futures::stream::iter(whole_messages(&mut buffer))
        })
        .filter_map(move |data| {
            let event: Option<Value> = serde_json::from_str(&data).ok();
            let ours = event.is_some_and(|event| event.get("event_type").is_some() && person.is_in(&event));
            std::future::ready(ours.then(|| Event::default().data(data)))
        })
}

/// Takes the complete messages off the front of a feed and gives the `data` of each (HTML Standard, "Server-sent events").
fn whole_messages(buffer: &mut Vec<u8>) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
        let message: Vec<u8> = buffer.drain(..end + 2).collect();
        let text = String::from_utf8_lossy(&message);
        let data: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(str::trim_start)
            .collect();
        if !data.is_empty() {
            messages.push(data.join("\n"));
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_may_come_in_pieces() {
        let mut buffer = Vec::new();
        let mut read = |piece: &str| {
            buffer.extend_from_slice(piece.as_bytes());
            whole_messages(&mut buffer)
        };
        assert_eq!(read("event: accepted\nid: 1\nda"), Vec::<String>::new());
        assert_eq!(
            read("ta: {\"a\":1}\n\n: heartbeat\n\ndata: x\ndata: y\n"),
            ["{\"a\":1}"]
        );
        assert_eq!(read("\n"), ["x\ny"]);
    }

    #[test]
    fn a_person_is_known_by_any_of_three_ids() {
        let person = Person {
            by: "u-1".into(),
            amplitude_id: Some(7),
        };
        for (event, ours) in [
            (serde_json::json!({"amplitude_id": 7}), true),
            (serde_json::json!({"amplitude_id": 8, "user_id": "u-1"}), true),
            (serde_json::json!({"amplitude_id": 8, "device_id": "u-1"}), true),
            (serde_json::json!({"amplitude_id": 8, "user_id": "u-2"}), false),
        ] {
            assert_eq!(person.is_in(&event), ours, "{event}");
        }
        assert!(
            !Person {
                by: "u-1".into(),
                amplitude_id: None
            }
            .is_in(&serde_json::json!({}))
        );
    }
}
