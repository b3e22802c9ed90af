//! Reading a story batch by batch: a page of it, or all.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use tracking::received::ReceivedEvent;
use tracking::story_page::{Cursor, Filter, cut};

use super::{Activity, BATCH, ReadError};

/// Where batches come from.
pub(super) trait Batches: Sync {
    /// The person's events from `offset` on.
    fn batch(&self, offset: usize) -> impl Future<Output = Result<Arc<Activity>, ReadError>> + Send;
}

/// Which events may be seen.
pub(super) type Keep<'a> = &'a (dyn Fn(&Value) -> bool + Sync);

/// Events on a page at least, if there are so many; whole sessions make it more.
const PAGE: usize = 120;

/// Which page of a story.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Which events.
    pub filter: Filter,
    /// Where it begins.
    pub from: Cursor,
    /// An event that must be on it.
    pub event: Option<String>,
}

/// A page of a story.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// `userData` of the answer: IDs, counts, latest properties.
    pub person: Value,
    /// Exported events, newest first.
    pub events: Vec<Value>,
    /// Where the next page begins; `None`: there is no more.
    pub older: Option<Cursor>,
    /// It is not the first page: the event that must be on it is further back.
    pub skipped: bool,
    /// The newest batch, if this is the first page.
    pub newest: Option<Vec<ReceivedEvent>>,
    /// Whether the story goes on after the newest batch.
    pub goes_on: bool,
}

/// All that was read of a story.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    /// Exported events, newest first.
    pub events: Vec<Value>,
    /// There are more.
    pub cut_off: bool,
}

/// Reads batches until the page is full, the story ends, or `most` batches have been read. An event that must be on the
/// page is looked for as far; the page that has it is given alone, or the first one if none has it.
pub(super) async fn page(
    batches: &impl Batches,
    most: usize,
    asked: &Asked,
    keep: Keep<'_>,
) -> Result<Page, ReadError> {
    let mut page = Page::default();
    let mut first: Option<(Vec<Value>, Option<Cursor>)> = None;
    let mut from = asked.from.clone();
    for batch in 0..most {
        let activity = batches.batch(from.offset).await?;
        let rows: Vec<ReceivedEvent> = activity
            .events
            .iter()
            .filter_map(ReceivedEvent::from_export)
            .collect();
        let cut = cut(&rows, &from, BATCH, &asked.filter, PAGE - page.events.len());
        let shown = cut.shown.iter().map(|&place| &rows[place].raw);
        page.events.extend(shown.filter(|raw| keep(raw)).cloned());
        if batch == 0 {
            page.person = activity.person.clone();
            page.goes_on = rows.len() >= BATCH;
            if asked.from == Cursor::default() {
                page.newest = Some(rows.into_iter().filter(|row| keep(&row.raw)).collect());
            }
        }
        page.older = cut.next;
        let full = page.events.len() >= PAGE;
        let Some(next) = page.older.clone().filter(|_| !full || page.lacks(asked)) else {
            break;
        };
        from = next;
        if full {
            // Not on this page; maybe on the next.
            first.get_or_insert_with(|| (std::mem::take(&mut page.events), page.older.clone()));
            page.events.clear();
        }
    }
    page.skipped = first.is_some();
    if let Some((events, older)) = first.filter(|_| page.lacks(asked)) {
        (page.events, page.older, page.skipped) = (events, older, false);
    }
    Ok(page)
}

/// Reads batches to the end of the story, or until `most` batches have been read. A session that was given with an
/// earlier batch comes again with a later one, and counts once.
pub(super) async fn whole(batches: &impl Batches, most: usize, keep: Keep<'_>) -> Result<Whole, ReadError> {
    let mut whole = Whole::default();
    let mut known: HashSet<String> = HashSet::new();
    for batch in 0..most {
        let activity = batches.batch(batch * BATCH).await?;
        for raw in activity.events.iter().filter(|raw| keep(raw)) {
            let uuid = raw.get("uuid").and_then(Value::as_str).unwrap_or_default();
            if uuid.is_empty() || known.insert(uuid.to_owned()) {
                whole.events.push(raw.clone());
            }
        }
        whole.cut_off = activity.events.len() >= BATCH;
        if !whole.cut_off {
            break;
        }
    }
    Ok(whole)
}

impl Page {
    /// Whether an event must be on it that is not.
    fn lacks(&self, asked: &Asked) -> bool {
        let has = |event: &str| {
            let uuid = |raw: &Value| raw.get("uuid").and_then(Value::as_str) == Some(event);
            self.events.iter().any(uuid)
        };
        asked.event.as_deref().is_some_and(|event| !has(event))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tracking::story_page::InSession;

    use super::*;

    /// A person with three events in each session, one session a day; as the API answers.
    fn api(sessions: usize) -> Api {
        let newest_first: Vec<Value> = (0..sessions * 3)
            .map(|place| {
                let (session, step) = (sessions - place / 3, 2 - place % 3);
                json!({
                    "event_type": format!("Step {step}"),
                    "event_time": format!("20{:02}-01-01 00:00:0{step}.000000", session % 100),
                    "session_id": session,
                    "device_id": "device-1",
                    "uuid": format!("{session}-{step}"),
                })
            })
            .collect();
        Api(newest_first)
    }

    struct Api(Vec<Value>);

    impl Batches for Api {
        async fn batch(&self, offset: usize) -> Result<Arc<Activity>, ReadError> {
            let all = &self.0;
            let end = (offset + BATCH).min(all.len());
            // The rest of the session that the last row cuts off.
            let rest = (3 - end % 3) % 3;
            let to = if end < all.len() { end + rest } else { end };
            Ok(Arc::new(Activity {
                person: json!({"num_events": all.len()}),
                events: all[offset.min(all.len())..to].to_vec(),
            }))
        }
    }

    fn count(events: &[Value]) -> usize {
        let uuids: HashSet<&str> = events.iter().filter_map(|raw| raw["uuid"].as_str()).collect();
        assert_eq!(uuids.len(), events.len(), "each once");
        events.len()
    }

    #[tokio::test]
    async fn pages_follow_one_another_to_the_end() {
        let api = api(1_000);
        let mut asked = Asked::default();
        let mut events = Vec::new();
        loop {
            let page = page(&api, 3, &asked, &|_| true).await.unwrap();
            assert_eq!(page.newest.is_some(), events.is_empty());
            assert_eq!(page.events.len(), 120);
            events.extend(page.events);
            match page.older {
                Some(older) => asked.from = older,
                None => break,
            }
        }
        assert_eq!(count(&events), 3_000);
    }

    #[tokio::test]
    async fn a_filter_searches_further_back() {
        let api = api(1_000);
        let mut asked = Asked {
            filter: Filter {
                session: Some(InSession::Of(1)),
                ..Filter::default()
            },
            ..Asked::default()
        };
        let far = page(&api, 20, &asked, &|_| true).await.unwrap();
        assert_eq!((far.events.len(), far.older), (3, None));
        // As far as it may; then the reader goes on from there.
        let near = page(&api, 1, &asked, &|_| true).await.unwrap();
        assert_eq!(near.events.len(), 0);
        asked.from = near.older.unwrap();
        assert_eq!(asked.from.offset, 1_000);
    }

    #[tokio::test]
    async fn a_page_goes_on_to_the_event_that_must_be_on_it() {
        let api = api(100);
        let asked = Asked {
            event: Some("2-1".into()),
            ..Asked::default()
        };
        let with_event = page(&api, 20, &asked, &|_| true).await.unwrap();
        assert!(!with_event.lacks(&asked));
        assert_eq!(count(&with_event.events), 60, "the third page of 300 events");
        assert!(with_event.skipped && with_event.older.is_none());
        let nowhere = Asked {
            event: Some("never".into()),
            ..Asked::default()
        };
        let first = page(&api, 20, &nowhere, &|_| true).await.unwrap();
        assert_eq!((count(&first.events), first.skipped), (120, false));
        assert_eq!(first.older.unwrap().offset, 120);
    }

    #[tokio::test]
    async fn all_of_a_story_is_each_event_once() {
        let api = api(1_000);
        let read = whole(&api, 100, &|_| true).await.unwrap();
        assert_eq!((count(&read.events), read.cut_off), (3_000, false));
        let newest = whole(&api, 1, &|raw| raw["event_type"] != "Step 0")
            .await
            .unwrap();
        assert!(newest.cut_off);
        assert_eq!(count(&newest.events), 668);
    }
}
