//! Reads a timeline batch by batch: one page, or all of it.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use tracking::received::ReceivedEvent;
use tracking::timeline_page::{Cursor, Filter, select_page};
use tracking::verdict::TimelineFacts;

use super::{Activity, BATCH, NewestEvents, ReadError};

/// A source of batches.
pub(super) trait BatchSource: Sync {
    /// The user's events from `offset` on.
    fn batch(&self, offset: usize) -> impl Future<Output = Result<Arc<Activity>, ReadError>> + Send;
}

/// Which events may be shown.
pub(super) type Predicate<'a> = &'a (dyn Fn(&ReceivedEvent) -> bool + Sync);

/// The least number of events on a page, if there are as many. Whole sessions can exceed it.
const PAGE: usize = 120;

/// Which page of a timeline to read.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// Which events to include.
    pub filter: Filter,
    /// Where the page begins.
    pub from: Cursor,
    /// The UUID of an event that must be on the page.
    pub event: Option<String>,
}

/// A page of a timeline.
#[derive(Clone, Debug, Default)]
pub struct TimelinePage {
    /// `userData` of the response: IDs, counts, latest properties.
    pub person: Arc<Value>,
    /// Events, newest first.
    pub events: Vec<ReceivedEvent>,
    /// Where the next page begins; `None` on the last page.
    pub older: Option<Cursor>,
    /// Whether this is a later page, because the required event is on it.
    pub skipped: bool,
    /// All newest events of the user, also those that may not be shown, with the account's facts. `None` if the request starts
    /// at an older event.
    pub newest: Option<Arc<NewestEvents>>,
}

/// All events that were read of a timeline.
#[derive(Clone, Debug, Default)]
pub struct FullTimeline {
    /// Events, newest first.
    pub events: Vec<ReceivedEvent>,
    /// Whether there are older events that were not read.
    pub cut_off: bool,
    /// The facts about the user whom the events name. Of a real project they are as old as the events.
    pub facts: TimelineFacts,
}

/// Reads batches until the page is full, the timeline ends, or `most` batches are read. If an event is required, it
/// returns the page that contains it, or the first page if none does.
pub(super) async fn page(
    batches: &impl BatchSource,
    most: usize,
    query: &PageRequest,
    keep: Predicate<'_>,
) -> Result<TimelinePage, ReadError> {
    let mut page = TimelinePage::default();
    let mut first: Option<(Vec<ReceivedEvent>, Option<Cursor>)> = None;
    let mut from = query.from.clone();
    for batch in 0..most {
        let activity = batches.batch(from.offset).await?;
        let rows = &activity.events;
        let selected = select_page(rows, &from, BATCH, &query.filter, PAGE - page.events.len());
        let shown = selected.shown.iter().map(|&place| &rows[place]);
        page.events.extend(shown.filter(|event| keep(event)).cloned());
        if batch == 0 {
            page.person = Arc::clone(&activity.person);
        }
        page.older = selected.next;
        let full = page.events.len() >= PAGE;
        let Some(next) = page.older.clone().filter(|_| !full || page.lacks(query)) else {
            break;
        };
        from = next;
        if full {
            // The required event is not on this page. Try the next one.
            first.get_or_insert_with(|| (std::mem::take(&mut page.events), page.older.clone()));
            page.events.clear();
        }
    }
    page.skipped = first.is_some();
    if let Some((events, older)) = first.filter(|_| page.lacks(query)) {
        (page.events, page.older, page.skipped) = (events, older, false);
    }
    Ok(page)
}

/// Reads batches until the timeline ends or `most` batches are read. Batches may overlap by a session; each event is
/// returned once. Returns also whether there are older events.
pub(super) async fn full(
    batches: &impl BatchSource,
    most: usize,
    keep: Predicate<'_>,
) -> Result<(Vec<ReceivedEvent>, bool), ReadError> {
    let (mut events, mut cut_off) = (Vec::new(), false);
    let mut known: HashSet<String> = HashSet::new();
    for batch in 0..most {
        let activity = batches.batch(batch * BATCH).await?;
        for event in activity.events.iter().filter(|event| keep(event)) {
            if event.uuid.is_empty() || known.insert(event.uuid.clone()) {
                events.push(event.clone());
            }
        }
        cut_off = activity.is_full;
        if !cut_off {
            break;
        }
    }
    Ok((events, cut_off))
}

impl TimelinePage {
    /// Whether the required event is missing.
    fn lacks(&self, query: &PageRequest) -> bool {
        let has = |uuid: &str| self.events.iter().any(|event| event.uuid == uuid);
        query.event.as_deref().is_some_and(|uuid| !has(uuid))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tracking::timeline_page::SessionFilter;

    use super::*;

    /// An API with one session a day and three events in each.
    fn api(sessions: usize) -> Api {
        let newest_first: Vec<ReceivedEvent> = (0..sessions * 3)
            .map(|place| {
                let (session, step) = (sessions - place / 3, 2 - place % 3);
                ReceivedEvent::from_export(json!({
                    "event_type": format!("Step {step}"),
                    "event_time": format!("20{:02}-01-01 00:00:0{step}.000000", session % 100),
                    "session_id": session,
                    "device_id": "device-1",
                    "uuid": format!("{session}-{step}"),
                }))
                .unwrap()
            })
            .collect();
        Api(newest_first)
    }

    struct Api(Vec<ReceivedEvent>);

    impl BatchSource for Api {
        async fn batch(&self, offset: usize) -> Result<Arc<Activity>, ReadError> {
            let all = &self.0;
            let end = (offset + BATCH).min(all.len());
            // The rest of a session that the batch would cut.
            let rest = (3 - end % 3) % 3;
            let to = if end < all.len() { end + rest } else { end };
            let events = all[offset.min(all.len())..to].to_vec();
            Ok(Arc::new(Activity {
                is_full: events.len() >= BATCH,
                person: Arc::new(json!({"num_events": all.len()})),
                events,
            }))
        }
    }

    fn count(events: &[ReceivedEvent]) -> usize {
        let uuids: HashSet<&str> = events.iter().map(|event| event.uuid.as_str()).collect();
        assert_eq!(uuids.len(), events.len(), "no event is repeated");
        events.len()
    }

    #[tokio::test]
    async fn pages_cover_the_whole_timeline() {
        let api = api(1_000);
        let mut query = PageRequest::default();
        let mut events = Vec::new();
        loop {
            let page = page(&api, 3, &query, &|_| true).await.unwrap();
            assert_eq!(page.events.len(), 120);
            events.extend(page.events);
            match page.older {
                Some(older) => query.from = older,
                None => break,
            }
        }
        assert_eq!(count(&events), 3_000);
    }

    #[tokio::test]
    async fn a_filter_searches_older_batches() {
        let api = api(1_000);
        let mut query = PageRequest {
            filter: Filter {
                session: Some(SessionFilter::Id(1)),
                ..Filter::default()
            },
            ..PageRequest::default()
        };
        let far = page(&api, 20, &query, &|_| true).await.unwrap();
        assert_eq!((far.events.len(), far.older), (3, None));
        // The search stops at its limit and can be continued from there.
        let near = page(&api, 1, &query, &|_| true).await.unwrap();
        assert_eq!(near.events.len(), 0);
        query.from = near.older.unwrap();
        assert_eq!(query.from.offset, 1_000);
    }

    #[tokio::test]
    async fn the_page_with_the_required_event_is_returned() {
        let api = api(100);
        let query = PageRequest {
            event: Some("2-1".into()),
            ..PageRequest::default()
        };
        let with_event = page(&api, 20, &query, &|_| true).await.unwrap();
        assert!(!with_event.lacks(&query));
        assert_eq!(count(&with_event.events), 60, "the third page of 300 events");
        assert!(with_event.skipped && with_event.older.is_none());
        let missing = PageRequest {
            event: Some("never".into()),
            ..PageRequest::default()
        };
        let first = page(&api, 20, &missing, &|_| true).await.unwrap();
        assert_eq!((count(&first.events), first.skipped), (120, false));
        assert_eq!(first.older.unwrap().offset, 120);
    }

    #[tokio::test]
    async fn the_full_timeline_has_each_event_once() {
        let api = api(1_000);
        let (events, cut_off) = full(&api, 100, &|_| true).await.unwrap();
        assert_eq!((count(&events), cut_off), (3_000, false));
        let (newest, cut_off) = full(&api, 1, &|event| event.name != "Step 0").await.unwrap();
        assert_eq!((count(&newest), cut_off), (668, true));
    }
}
