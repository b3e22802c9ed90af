//! A long story, page by page: which events a filter lets through, and where the next page begins. Pure.
//!
//! Pages are made of whole chapters, the newest first, out of rows that come in batches: rows of the person's events,
//! newest first, from some offset on, and after them the rest of the sessions that the last row would cut off (Dashboard
//! REST API, "User activity"). A chapter belongs to the page on which its newest event stands. What a session has below
//! that page has been shown with it, so the next page leaves it out.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::received::{ReceivedEvent, Source};

/// Which events are shown. Empty, it shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// Of this name.
    pub event: Option<String>,
    /// From this side.
    pub source: Option<Source>,
    /// Of this session, or out of any.
    pub session: Option<InSession>,
    /// Of this device.
    pub device: Option<String>,
}

/// What a filter asks of an event's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum InSession {
    /// This one.
    Of(i64),
    /// None.
    OutOfSession,
}

/// Longest text of a filter: names and device IDs are shorter.
const LONGEST: usize = 200;

impl Filter {
    /// The keys in the URL.
    pub const KEYS: [&str; 4] = ["event", "source", "session", "device"];

    /// Reads it from a URL's parameters. What makes no sense is not asked for.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let given = |key: &str| {
            let text = get(key)?;
            let text = text.trim();
            (!text.is_empty() && text.len() <= LONGEST).then(|| text.to_owned())
        };
        Self {
            event: given("event"),
            source: given("source").as_deref().and_then(Source::parse),
            session: given("session").as_deref().and_then(InSession::parse),
            device: given("device"),
        }
    }

    /// What [`Self::read`] reads, in the order of [`Self::KEYS`].
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let texts = [
            self.event.clone(),
            self.source.map(|source| source.as_str().to_owned()),
            self.session.map(|session| session.to_string()),
            self.device.clone(),
        ];
        let pairs = Self::KEYS.into_iter().zip(texts);
        pairs.filter_map(|(key, text)| Some((key, text?))).collect()
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it lets this event through.
    pub fn lets_through(&self, event: &ReceivedEvent) -> bool {
        self.event.as_ref().is_none_or(|name| *name == event.name)
            && self.source.is_none_or(|source| source == event.source)
            && (self.device.is_none() || self.device == event.device)
            && match self.session {
                None => true,
                Some(InSession::Of(session)) => event.session == Some(session),
                Some(InSession::OutOfSession) => event.session.is_none(),
            }
    }
}

impl InSession {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::OutOfSession),
            text => text.parse().ok().filter(|&session| session > 0).map(Self::Of),
        }
    }
}

/// The session's ID, or `none`.
impl fmt::Display for InSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(session) => session.fmt(f),
            Self::OutOfSession => f.write_str("none"),
        }
    }
}

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// So many of the person's newest events lie before it.
    pub offset: usize,
    /// Sessions that were shown before and have events after it.
    pub shown: Vec<i64>,
}

impl Cursor {
    /// Most sessions that overlap one place in a story: one for each browser in use at that moment.
    const MOST_SHOWN: usize = 20;

    /// Reads what [`fmt::Display`] writes; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.');
        let offset = numbers.next()?.parse().ok()?;
        let shown: Vec<i64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
        (shown.len() <= Self::MOST_SHOWN).then_some(Self { offset, shown })
    }
}

/// `<offset>.<session>.<session>…`
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.offset.fmt(f)?;
        self.shown.iter().try_for_each(|session| write!(f, ".{session}"))
    }
}

/// What a page takes out of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Places in the batch of the events that are shown, in its order.
    pub shown: Vec<usize>,
    /// Where the next page begins; `None`: there is no more.
    pub next: Option<Cursor>,
}

/// Cuts a page out of a batch of `rows` that was read from `from` on with this `limit`: whole chapters until there are
/// `wanted` events of those that `filter` lets through.
pub fn cut(rows: &[ReceivedEvent], from: &Cursor, limit: usize, filter: &Filter, wanted: usize) -> Cut {
    let shown_before: BTreeSet<i64> = from.shown.iter().copied().collect();
    let mut chapters: Vec<Vec<usize>> = Vec::new();
    let mut of_session: HashMap<i64, usize> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        match row.session {
            Some(session) if shown_before.contains(&session) => {}
            Some(session) => {
                let chapter = *of_session.entry(session).or_insert_with(|| {
                    chapters.push(Vec::new());
                    chapters.len() - 1
                });
                chapters[chapter].push(place);
            }
            None => chapters.push(vec![place]),
        }
    }
    let mut shown = Vec::new();
    let mut taken = 0;
    for chapter in &chapters {
        if shown.len() >= wanted {
            break;
        }
        let through = chapter.iter().copied();
        shown.extend(through.filter(|&place| filter.lets_through(&rows[place])));
        taken += 1;
    }
    shown.sort_unstable();
    let next_place = match chapters.get(taken) {
        Some(next) => Some(next[0]),
        None => (rows.len() >= limit).then_some(limit),
    };
    let next = next_place.map(|place| {
        let sessions_of =
            |rows: &[ReceivedEvent]| -> BTreeSet<i64> { rows.iter().filter_map(|row| row.session).collect() };
        let (here, below) = (sessions_of(rows), sessions_of(&rows[place.min(rows.len())..]));
        let begun = chapters[..taken]
            .iter()
            .filter_map(|chapter| rows[chapter[0]].session);
        // One that was shown before and is not in this batch has the rest of its events in a later one.
        let shown: BTreeSet<i64> = begun
            .filter(|session| below.contains(session))
            .chain(
                shown_before
                    .iter()
                    .copied()
                    .filter(|session| below.contains(session) || !here.contains(session)),
            )
            .collect();
        Cursor {
            offset: from.offset + place,
            shown: shown.into_iter().collect(),
        }
    });
    Cut { shown, next }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Rows by session, 0 for none; the newest first.
    fn rows(sessions: &[i64]) -> Vec<ReceivedEvent> {
        let row = |(place, session): (usize, &i64)| {
            ReceivedEvent::from_export(&json!({
                "event_type": if place % 2 == 0 { "A" } else { "B" },
                "event_time": format!("2026-11-18 11:06:{:02}.000000", 59 - place),
                "session_id": session,
                "device_id": "device-1",
                "uuid": place.to_string(),
            }))
            .unwrap()
        };
        sessions.iter().enumerate().map(row).collect()
    }

    /// A person's events, and the batch that the API gives of them.
    fn batch(all: &[ReceivedEvent], offset: usize, limit: usize) -> Vec<ReceivedEvent> {
        let page = &all[offset.min(all.len())..(offset + limit).min(all.len())];
        let sessions: BTreeSet<i64> = page.iter().filter_map(|row| row.session).collect();
        let rest = &all[(offset + limit).min(all.len())..];
        let cut_off = rest
            .iter()
            .filter(|row| row.session.is_some_and(|session| sessions.contains(&session)));
        page.iter().chain(cut_off).cloned().collect()
    }

    #[test]
    fn pages_together_are_the_story_each_chapter_on_one() {
        let stories: [&[i64]; 7] = [
            &[],
            &[5],
            &[5, 5, 5, 4, 4, 3, 2, 2, 1],
            // Two browsers at once, and events out of session.
            &[5, 4, 5, 0, 4, 5, 3, 4, 3, 5, 0, 0, 2, 3, 1],
            &[9, 8, 7, 6, 5, 4, 3, 2, 1, 9],
            &[0, 0, 0, 0, 0],
            &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2],
        ];
        for (story, wanted, limit) in stories.iter().flat_map(|story| {
            [(1, 1), (1, 4), (3, 4), (3, 2), (100, 3), (2, 100)].map(|(wanted, limit)| (story, wanted, limit))
        }) {
            let all = rows(story);
            let mut seen: Vec<String> = Vec::new();
            let mut chapters: Vec<i64> = Vec::new();
            let mut from = Some(Cursor::default());
            let mut pages = 0;
            while let Some(cursor) = from {
                let rows = batch(&all, cursor.offset, limit);
                let page = cut(&rows, &cursor, limit, &Filter::default(), wanted);
                let mut sessions: Vec<i64> = page
                    .shown
                    .iter()
                    .filter_map(|&place| rows[place].session)
                    .collect();
                sessions.sort_unstable();
                sessions.dedup();
                chapters.extend(sessions);
                seen.extend(page.shown.iter().map(|&place| rows[place].uuid.clone()));
                from = page.next.map(|next| Cursor::parse(&next.to_string()).unwrap());
                pages += 1;
                assert!(pages < 50, "{story:?} never ends");
            }
            let mut expected: Vec<String> = all.iter().map(|row| row.uuid.clone()).collect();
            expected.sort();
            seen.sort();
            assert_eq!(seen, expected, "{story:?} by {wanted} of {limit}");
            let mut once = chapters.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(
                once.len(),
                chapters.len(),
                "{story:?} by {wanted} of {limit}: {chapters:?}"
            );
        }
    }

    #[test]
    fn a_filter_is_kept_in_the_url() {
        let rows = [
            (vec![], Filter::default()),
            (
                vec![
                    ("event", "Poll created"),
                    ("source", "browser"),
                    ("session", "1795000000000"),
                    ("device", "d-1"),
                ],
                Filter {
                    event: Some("Poll created".into()),
                    source: Some(Source::Browser),
                    session: Some(InSession::Of(1_795_000_000_000)),
                    device: Some("d-1".into()),
                },
            ),
            (
                vec![("session", "none"), ("source", "stripe")],
                Filter {
                    source: Some(Source::Stripe),
                    session: Some(InSession::OutOfSession),
                    ..Filter::default()
                },
            ),
        ];
        for (pairs, filter) in rows {
            let get = |key: &str| {
                let found = pairs.iter().find(|(name, _)| *name == key);
                found.map(|(_, text)| (*text).to_owned())
            };
            assert_eq!(Filter::read(get), filter);
            let mut written: Vec<(&str, String)> = filter.pairs();
            let mut expected: Vec<(&str, String)> = pairs
                .iter()
                .map(|(key, text)| (*key, (*text).to_owned()))
                .collect();
            written.sort();
            expected.sort();
            assert_eq!(written, expected);
        }
        let nonsense = Filter::read(|key| {
            Some(match key {
                "source" => "mars".into(),
                "session" => "-1".into(),
                "device" => "x".repeat(201),
                _ => "  ".into(),
            })
        });
        assert!(nonsense.is_empty());
    }

    #[test]
    fn a_filter_lets_through_what_fits_all_of_it() {
        let all = rows(&[5, 5, 0, 4]);
        let through = |filter: Filter| all.iter().filter(|row| filter.lets_through(row)).count();
        assert_eq!(through(Filter::default()), 4);
        let of = |session| Filter {
            session: Some(session),
            ..Filter::default()
        };
        assert_eq!(through(of(InSession::Of(5))), 2);
        assert_eq!(through(of(InSession::OutOfSession)), 1);
        let named = Filter {
            event: Some("A".into()),
            ..of(InSession::Of(5))
        };
        assert_eq!(through(named), 1);
        let elsewhere = Filter {
            device: Some("device-2".into()),
            ..Filter::default()
        };
        assert_eq!(through(elsewhere), 0);
    }

    #[test]
    fn a_filtered_page_goes_on_until_it_has_enough() {
        let all = rows(&[5, 5, 4, 4, 3, 3, 2, 2]);
        let filter = Filter {
            event: Some("B".into()),
            ..Filter::default()
        };
        let page = cut(&all, &Cursor::default(), 100, &filter, 2);
        assert_eq!(page.shown, [1, 3]);
        assert_eq!(page.next.unwrap().offset, 4);
    }

    #[test]
    fn junk_is_no_cursor() {
        for junk in ["", "x", "-1", "1.", "1.x", "1..2", "99999999999999999999999"] {
            assert_eq!(Cursor::parse(junk), None, "{junk}");
        }
        assert_eq!(Cursor::parse(&format!("1{}", ".7".repeat(21))), None);
    }
}
