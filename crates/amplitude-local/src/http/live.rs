//! The live feed: accepted and refused events as server-sent events, resumable by `Last-Event-ID`.
//!
//! A feed reads the state and is only woken by the news, so a slow reader costs no memory and loses nothing.

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
    store::read::{self, Followed},
};

/// Events read at once.
const PAGE: i64 = 200;

/// Pause between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
pub(super) struct LiveQuery {
    user: Option<String>,
    device: Option<String>,
    after: Option<i64>,
}

/// `GET /live?user=&device=&after=`: from now on, or from after the given number.
pub(super) async fn feed(
    State(collector): State<Collector>,
    headers: HeaderMap,
    Query(query): Query<LiveQuery>,
) -> Response {
    let last_seen = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.parse().ok());
    let followed = Followed {
        user: query.user,
        device: query.device,
    };
    let messages = messages(collector, followed, last_seen.or(query.after));
    Sse::new(messages)
        .keep_alive(KeepAlive::new().interval(HEARTBEAT))
        .into_response()
}

fn messages(
    collector: Collector,
    followed: Followed,
    after: Option<i64>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut news = collector.news();
    async_stream::stream! {
        let start = *news.borrow();
        // A reader may remember a number of an earlier state, which had come further.
        let mut position = after.map_or(start.latest, |after| after.min(start.latest));
        let mut resets = start.resets;
        // Said at once, so that a reader knows that it misses nothing from here on.
        yield Ok(Event::default().comment("open"));
        loop {
            let now = *news.borrow_and_update();
            if now.ended {
                return;
            }
            if now.resets != resets {
                resets = now.resets;
                yield Ok(Event::default().event("reset").data("{}"));
            }
            let page = match read::feed(collector.store().readers(), position, &followed, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(%error, "the live feed cannot read the state");
                    return;
                }
            };
            match page.last() {
                Some(last) => position = last.sequence,
                None => {
                    position = position.max(now.latest);
                    if news.changed().await.is_err() {
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
