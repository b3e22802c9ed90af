//! Pagination of the timeline: which events a page shows, and where the next page starts. Pure.
//!
//! A page consists of whole session groups, the newest first. The API returns events in batches: a user's events from an
//! offset, the newest first, followed by the remaining events of sessions that the batch would cut off (Dashboard REST API,
//! "User activity"). A session group belongs to the page that contains its newest event. The page shows all its events, so
//! later pages omit them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::received::ReceivedEvent;

mod filter;

pub use filter::{Filter, SessionFilter};

/// The position at which a page starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// Number of the user's newest events before this position.
    pub offset: usize,
    /// Sessions that earlier pages showed and that have events after this position.
    pub shown: Vec<i64>,
}

impl Cursor {
    /// Maximum number of sessions that overlap at one position: one for each browser in use at that time.
    const MAX_SHOWN: usize = 20;

    /// Parses the output of [`fmt::Display`]; any other text is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.');
        let offset = numbers.next()?.parse().ok()?;
        let shown: Vec<i64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
        (shown.len() <= Self::MAX_SHOWN).then_some(Self { offset, shown })
    }
}

/// `<offset>.<session>.<session>…`
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.offset.fmt(f)?;
        self.shown.iter().try_for_each(|session| write!(f, ".{session}"))
    }
}

/// The events of a batch that a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSelection {
    /// Indexes of the shown events in the batch, ascending.
    pub shown: Vec<usize>,
    /// The start of the next page; `None` if there are no more events.
    pub next: Option<Cursor>,
}

/// Selects the events of a page from a batch of `rows`, which was fetched at `from` with this `limit`. Takes whole session
/// groups until the page has at least `wanted` events that match `filter`.
pub fn select_page(
    rows: &[ReceivedEvent],
    from: &Cursor,
    limit: usize,
    filter: &Filter,
    wanted: usize,
) -> PageSelection {
    let shown_before: BTreeSet<i64> = from.shown.iter().copied().collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut of_session: HashMap<i64, usize> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        match row.session {
            Some(session) if shown_before.contains(&session) => {}
            Some(session) => {
                let group = *of_session.entry(session).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                groups[group].push(place);
            }
            None => groups.push(vec![place]),
        }
    }
    let mut shown = Vec::new();
    let mut taken = 0;
    for group in &groups {
        if shown.len() >= wanted {
            break;
        }
        let indexes = group.iter().copied();
        shown.extend(indexes.filter(|&place| filter.matches(&rows[place])));
        taken += 1;
    }
    shown.sort_unstable();
    let next_place = match groups.get(taken) {
        Some(next) => Some(next[0]),
        None => (rows.len() >= limit).then_some(limit),
    };
    let next = next_place.map(|place| {
        let sessions_of =
            |rows: &[ReceivedEvent]| -> BTreeSet<i64> { rows.iter().filter_map(|row| row.session).collect() };
        let (here, below) = (sessions_of(rows), sessions_of(&rows[place.min(rows.len())..]));
        let begun = groups[..taken].iter().filter_map(|group| rows[group[0]].session);
        // A session that was shown before and is not in this batch has its remaining events in a later batch.
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
    PageSelection { shown, next }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Rows by session, 0 for none; the newest first.
    fn rows(sessions: &[i64]) -> Vec<ReceivedEvent> {
        let row = |(place, session): (usize, &i64)| {
            ReceivedEvent::from_export(json!({
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

    /// The batch that the API returns for a user's events.
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
    fn all_pages_together_contain_every_event_once_and_no_session_twice() {
        let timelines: [&[i64]; 7] = [
            &[],
            &[5],
            &[5, 5, 5, 4, 4, 3, 2, 2, 1],
            // Two browsers at the same time, and events out of session.
            &[5, 4, 5, 0, 4, 5, 3, 4, 3, 5, 0, 0, 2, 3, 1],
            &[9, 8, 7, 6, 5, 4, 3, 2, 1, 9],
            &[0, 0, 0, 0, 0],
            &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2],
        ];
        for (sessions, wanted, limit) in timelines.iter().flat_map(|sessions| {
            [(1, 1), (1, 4), (3, 4), (3, 2), (100, 3), (2, 100)]
                .map(|(wanted, limit)| (sessions, wanted, limit))
        }) {
            let all = rows(sessions);
            let mut seen: Vec<String> = Vec::new();
            let mut shown_sessions: Vec<i64> = Vec::new();
            let mut from = Some(Cursor::default());
            let mut pages = 0;
            while let Some(cursor) = from {
                let rows = batch(&all, cursor.offset, limit);
                let page = select_page(&rows, &cursor, limit, &Filter::default(), wanted);
                let mut on_page: Vec<i64> = page
                    .shown
                    .iter()
                    .filter_map(|&place| rows[place].session)
                    .collect();
                on_page.sort_unstable();
                on_page.dedup();
                shown_sessions.extend(on_page);
                seen.extend(page.shown.iter().map(|&place| rows[place].uuid.clone()));
                from = page.next.map(|next| Cursor::parse(&next.to_string()).unwrap());
                pages += 1;
                assert!(pages < 50, "{sessions:?}: endless pagination");
            }
            let mut expected: Vec<String> = all.iter().map(|row| row.uuid.clone()).collect();
            expected.sort();
            seen.sort();
            assert_eq!(seen, expected, "{sessions:?} by {wanted} of {limit}");
            let mut once = shown_sessions.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(
                once.len(),
                shown_sessions.len(),
                "{sessions:?} by {wanted} of {limit}: {shown_sessions:?}"
            );
        }
    }

    #[test]
    fn a_filter_matches_events_that_meet_all_conditions() {
        let all = rows(&[5, 5, 0, 4]);
        let matching = |filter: Filter| all.iter().filter(|row| filter.matches(row)).count();
        assert_eq!(matching(Filter::default()), 4);
        let of = |session| Filter {
            session: Some(session),
            ..Filter::default()
        };
        assert_eq!(matching(of(SessionFilter::Id(5))), 2);
        assert_eq!(matching(of(SessionFilter::OutOfSession)), 1);
        let named = Filter {
            event: Some("A".into()),
            ..of(SessionFilter::Id(5))
        };
        assert_eq!(matching(named), 1);
        let elsewhere = Filter {
            device: Some("device-2".into()),
            ..Filter::default()
        };
        assert_eq!(matching(elsewhere), 0);
    }

    #[test]
    fn a_filtered_page_continues_until_it_has_enough_events() {
        let all = rows(&[5, 5, 4, 4, 3, 3, 2, 2]);
        let filter = Filter {
            event: Some("B".into()),
            ..Filter::default()
        };
        let page = select_page(&all, &Cursor::default(), 100, &filter, 2);
        assert_eq!(page.shown, [1, 3]);
        assert_eq!(page.next.unwrap().offset, 4);
    }

    #[test]
    fn invalid_cursors_are_rejected() {
        for invalid in ["", "x", "-1", "1.", "1.x", "1..2", "99999999999999999999999"] {
            assert_eq!(Cursor::parse(invalid), None, "{invalid}");
        }
        assert_eq!(Cursor::parse(&format!("1{}", ".7".repeat(21))), None);
    }
}
