//! The live feed: accepted and refused events as server-sent events, resumable by `Last-Event-ID`.
//!
//! A feed reads events from the state file. The feed state in memory only wakes it, so a slow client uses no extra memory
//! and misses no events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::Stream;
use serde::Deserialize;

use crate::{
    collector::Collector,
    store::event_queries::{self, FeedFilter},
};

/// Events read in one query.
const PAGE_EVENTS: i64 = 200;

/// Interval of keep-alive comments.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
pub(super) struct LiveQuery {
    user: Option<String>,
    device: Option<String>,
    after: Option<i64>,
}

/// `GET /live?user=&device=&after=`: events after the given sequence number, or new events only.
pub(super) async fn feed(
    State(collector): State<Collector>,
    headers: HeaderMap,
    Query(query): Query<LiveQuery>,
) -> Response {
    let last_seen = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.parse().ok());
    let filter = FeedFilter {
        user: query.user,
        device: query.device,
    };
    let messages = messages(collector, filter, last_seen.or(query.after));
    Sse::new(messages)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL))
        .into_response()
}

fn messages(
    collector: Collector,
    filter: FeedFilter,
    after: Option<i64>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut feed_state = collector.subscribe();
    async_stream::stream! {
        let start = *feed_state.borrow();
        // The client may send a number from another state file that was further ahead.
        let mut position = after.map_or(start.latest_sequence, |after| after.min(start.latest_sequence));
        let mut reset_count = start.reset_count;
        // Sent immediately: the client receives all events after this comment.
        yield Ok(Event::default().comment("open"));
        loop {
            let now = *feed_state.borrow_and_update();
            if now.is_ended {
                return;
            }
            if now.reset_count != reset_count {
                reset_count = now.reset_count;
                yield Ok(Event::default().event("reset").data("{}"));
            }
            let page = match event_queries::feed(collector.store().readers(), position, &filter, PAGE_EVENTS).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(%error, "the live feed cannot read the state file");
                    return;
                }
            };
            match page.last() {
                Some(last) => position = last.sequence,
                None => {
                    position = position.max(now.latest_sequence);
                    if feed_state.changed().await.is_err() {
                        return;
                    }
                }
            }
            for item in page {
                yield Ok(Event::default().event(item.kind).id(item.sequence.to_string()).data(item.body));
            }
        }
    }
}
