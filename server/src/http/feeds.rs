//! Feeds of server-sent events: how each of them responds, and how many may be open. It does not know what they report.
//!
//! A feed ends after some minutes, and the browser opens it again, so that no connection outlasts a deployment for long. It
//! resumes after the last message that the browser has received. Proxies must not buffer it.

use std::convert::Infallible;

use app::request::RequestContext;
use axum::body::Body;
use axum::extract::{Extension, FromRequestParts, State};
use axum::middleware::Next;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use backend::NetworkKey;
use backend::accounts::Accounts;
use backend::config::ConnectionLimits;
use backend::slots::{SlotUsage, Slots};
use futures::{Stream, StreamExt, stream};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower_sessions::session::Id;
use url::form_urlencoded;

use super::access_log;
use super::slots::refusal;
use crate::metrics::Metrics;
use crate::startup::timing::HttpTiming;

/// nginx and others do not buffer a response with this header.
const NO_BUFFERING: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

/// A message of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Letters, digits, dots and hyphens. `None`: the feed cannot resume after this message.
    pub id: Option<String>,
    /// One line of text.
    pub data: String,
}

/// ID of the last message that the browser has received: `Last-Event-ID` of a browser that reconnects, else `?after=` of a
/// page that opens the feed again.
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

/// What all feeds share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Feeds {
    slots: Slots,
    timing: HttpTiming,
    stop: CancellationToken,
}

impl Feeds {
    pub fn new(limits: ConnectionLimits, timing: HttpTiming, stop: CancellationToken) -> Self {
        Self {
            slots: Slots::new(limits.feeds(), limits.feeds_per_address),
            timing,
            stop,
        }
    }

    /// The open feeds, and the refused ones.
    pub fn usage(&self) -> SlotUsage {
        self.slots.usage()
    }

    /// The feed as a response. It ends after some minutes, and with the server.
    pub fn respond(&self, messages: impl Stream<Item = Message> + Send + 'static) -> Response {
        let events = messages.map(|Message { id, data }| {
            let event = Event::default().data(data);
            Ok::<_, Infallible>(match id {
                Some(id) => event.id(id),
                None => event,
            })
        });
        let events = events
            .take_until(tokio::time::sleep(self.timing.feed))
            .take_until(self.stop.clone().cancelled_owned());
        let sse = Sse::new(events).keep_alive(KeepAlive::default());
        ([NO_BUFFERING], sse).into_response()
    }

    /// The messages until the login of the cookie ends. It is checked before each message, and every few seconds in between.
    pub fn while_signed_in(
        &self,
        messages: impl Stream<Item = Message> + Send + 'static,
        accounts: Accounts,
        cookie: Id,
    ) -> impl Stream<Item = Message> + Send + 'static {
        let every = self.timing.login_check;
        let checks = tokio::time::interval_at(Instant::now() + every, every);
        let feed = (Box::pin(messages), checks, accounts);
        stream::unfold(feed, move |(mut messages, mut checks, accounts)| async move {
            loop {
                let message = tokio::select! {
                    message = messages.next() => Some(message?),
                    _ = checks.tick() => None,
                };
                if !is_signed_in(&accounts, &cookie).await {
                    return None;
                }
                if let Some(message) = message {
                    return Some((message, (messages, checks, accounts)));
                }
            }
        })
    }
}

/// Whether the cookie's login has not ended. An error of the database counts as an end: the browser opens the feed again.
async fn is_signed_in(accounts: &Accounts, cookie: &Id) -> bool {
    match accounts.login_of_cookie(cookie).await {
        Ok(found) => found.is_some_and(|login| login.open.is_some()),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a feed ends: its login cannot be checked");
            false
        }
    }
}

/// Refuses a feed beyond the limits, with 503 for all and 429 for one network, and counts the open ones.
pub async fn limit(
    State((feeds, metrics)): State<(Feeds, Metrics)>,
    Extension(context): Extension<RequestContext>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let network = NetworkKey::of(context.visitor.address);
    match feeds.slots.take(Some(network)) {
        Ok(slot) => {
            let counted = metrics.counters.feed_opened(access_log::route(&request));
            next.run(request)
                .await
                .map(|body| until_end(body, (slot, counted)))
        }
        Err(limit) => refusal(limit),
    }
}

/// The body, which holds `held` until it ends or the client is gone.
fn until_end(body: Body, held: impl Send + 'static) -> Body {
    Body::from_stream(body.into_data_stream().inspect(move |_| {
        let _ = &held;
    }))
}

#[cfg(test)]
mod tests {
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
