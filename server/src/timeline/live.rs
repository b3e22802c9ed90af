//! `GET /timeline/live`: announces a user's events as they arrive. The stand-in's feed has the events of all users; this route
//! forwards those of one. A real project has no feed, and the response is 204: the browser stops reconnecting.

use app::request::RequestContext;
use app::timeline::{TimelineResult, may_read};
use axum::extract::{Extension, Query, State};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use http::StatusCode;
use serde_json::Value;
use tracking::received::ReceivedEvent;
use tracking::timeline_page::Filter;

use crate::http::feeds::{After, Message};
use crate::state::AppState;
use crate::timeline::TimelineParams;

/// `shown`: an event arrived that matches the filter. `other`: one that does not. `opened`: the first message; the page then
/// refreshes, because events may have arrived while it was loading.
pub async fn live(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    Query(params): Query<TimelineParams>,
    After(after): After,
) -> Response {
    if !state.site.local_mode {
        return StatusCode::NO_CONTENT.into_response();
    }
    let by = match may_read(&context, params.find.as_deref()) {
        Ok(by) => by,
        // No ID is that long, so no event can arrive.
        Err(TimelineResult::NotFound { .. }) => return StatusCode::NO_CONTENT.into_response(),
        Err(_) => return StatusCode::FORBIDDEN.into_response(),
    };
    let reader = state.backend.timeline.reader();
    let person = match state.backend.timeline.find(&by).await {
        Ok(person) => Person {
            by,
            amplitude_id: person,
        },
        Err(error) => return unreadable(&error),
    };
    match reader.live(after.and_then(|after| after.parse().ok())).await {
        Ok(feed) => {
            let opened = Message {
                id: None,
                data: "opened".to_owned(),
            };
            let news = news(feed.bytes_stream(), person, params.filter());
            let messages = futures::stream::once(std::future::ready(opened)).chain(news);
            match context.login.and_then(|_| context.cookie.id()) {
                Some(cookie) => {
                    let accounts = state.backend.accounts.clone();
                    let messages = state.feeds.while_signed_in(messages, accounts, cookie);
                    state.feeds.respond(messages)
                }
                None => state.feeds.respond(messages),
            }
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

/// The user or device of a feed.
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

/// Announcements of the person's events in a feed of bytes.
fn news<B: AsRef<[u8]>, E>(
    bytes: impl Stream<Item = Result<B, E>>,
    person: Person,
    filter: Filter,
) -> impl Stream<Item = Message> {
    let mut buffer = Vec::new();
    bytes
        // After an error the feed ends; the browser opens a new one.
        .take_while(|chunk| std::future::ready(chunk.is_ok()))
        .flat_map(move |chunk| {
            if let Ok(chunk) = chunk {
                buffer.extend_from_slice(chunk.as_ref());
            }
            futures::stream::iter(whole_messages(&mut buffer))
        })
        .filter_map(move |message| {
            let announced = announcement(&message.data, &person, &filter);
            std::future::ready(announced.map(|data| Message {
                id: message.id,
                data: data.to_owned(),
            }))
        })
}

/// `None`: no event, or an event of another person.
fn announcement(data: &str, person: &Person, filter: &Filter) -> Option<&'static str> {
    let event: Value = serde_json::from_str(data).ok()?;
    event.get("event_type").filter(|_| person.is_in(&event))?;
    let event = ReceivedEvent::from_export(event)?;
    Some(if filter.matches(&event) { "shown" } else { "other" })
}

/// Takes the complete messages off the front of a feed (HTML Standard, "Server-sent events").
fn whole_messages(buffer: &mut Vec<u8>) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
        let message: Vec<u8> = buffer.drain(..end + 2).collect();
        let text = String::from_utf8_lossy(&message);
        let field = |name: &'static str| {
            text.lines()
                .filter_map(move |line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim_start)
        };
        let data: Vec<&str> = field("data").collect();
        if !data.is_empty() {
            messages.push(Message {
                id: field("id").next_back().map(str::to_owned),
                data: data.join("\n"),
            });
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
        let message = |id: Option<&str>, data: &str| Message {
            id: id.map(str::to_owned),
            data: data.to_owned(),
        };
        assert_eq!(read("event: accepted\nid: 1\nda"), []);
        assert_eq!(
            read("ta: {\"a\":1}\n\n: heartbeat\n\ndata: x\ndata: y\n"),
            [message(Some("1"), "{\"a\":1}")]
        );
        assert_eq!(read("\n"), [message(None, "x\ny")]);
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
