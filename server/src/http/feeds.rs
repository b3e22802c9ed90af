//! Feeds of server-sent events, as every feed of this site answers.
//!
//! A feed ends after some minutes, and the browser opens it again: so no connection outlives a login or a deployment for
//! long. It resumes after the last message that the browser has seen. No proxy may buffer it.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

/// How long a stream lasts.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// nginx and others pass on what has this header as it comes.
const NO_BUFFERING: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

/// A message of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Letters, digits, dots and hyphens: the feed can resume after it. `None`: it cannot.
    pub id: Option<String>,
    /// One line of text.
    pub data: String,
}

/// ID of the last message that the browser has seen: `Last-Event-ID` of a browser that reconnects, else `?after=` of a page
/// that opens the feed anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct After(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for After {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get("last-event-id");
        let header = header.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let query = parts.uri.query().unwrap_or_default();
        let query = || {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == "after")
                .map(|(_, id)| id.into_owned())
        };
        Ok(Self(
            header
                .or_else(query)
                .filter(|id| !id.is_empty() && id.len() <= 64),
        ))
    }
}

/// The feed as an answer. It ends with the server.
pub fn respond(messages: impl Stream<Item = Message> + Send + 'static, stop: &CancellationToken) -> Response {
    let events = messages.map(|Message { id, data }| {
        let event = Event::default().data(data);
        Ok::<_, Infallible>(match id {
            Some(id) => event.id(id),
            None => event,
        })
    });
    let events = events
        .take_until(tokio::time::sleep(LIFE))
        .take_until(stop.clone().cancelled_owned());
    let sse = Sse::new(events).keep_alive(KeepAlive::default());
    ([NO_BUFFERING], sse).into_response()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[tokio::test]
    async fn the_header_of_a_reconnect_is_newer_than_the_url() {
        let long = format!("/?after={}", "9".repeat(100));
        for (uri, header, expected) in [
            ("/p/1/live", None, None),
            ("/p/1/live?after=7", None, Some("7")),
            ("/p/1/live?after=7", Some("9"), Some("9")),
            ("/p/1/live?after=", None, None),
            (long.as_str(), None, None),
        ] {
            let mut request = Request::builder().uri(uri);
            if let Some(id) = header {
                request = request.header("last-event-id", id);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            let Ok(After(after)) = After::from_request_parts(&mut parts, &()).await;
            assert_eq!(after.as_deref(), expected, "{uri} {header:?}");
        }
    }
}
