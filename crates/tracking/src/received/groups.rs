//! Groups events by session for the timeline.

use std::collections::HashMap;

use super::{ReceivedEvent, Source};

/// The events of one session, or a single event that is out of session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionGroup {
    /// The session; `None`: a single event that is out of session.
    pub session: Option<i64>,
    /// The oldest first.
    pub events: Vec<ReceivedEvent>,
}

impl SessionGroup {
    /// Time from the first to the last event, in ms.
    pub fn duration_ms(&self) -> i64 {
        match (self.events.first(), self.events.last()) {
            (Some(first), Some(last)) => last.time_ms - first.time_ms,
            _ => 0,
        }
    }

    /// The path of the first page view in the browser; without one, the page or name of the first event.
    pub fn entry(&self) -> Option<&str> {
        let page = |event: &ReceivedEvent| event.source == Source::Browser && event.page().is_some();
        let event = self
            .events
            .iter()
            .find(|event| page(event))
            .or(self.events.first())?;
        event.page().or(Some(&event.name))
    }
}

/// Groups a user's events by session ID, as Amplitude does. `events` are the newest first, as the API lists them.
/// The group with the newest event comes first; within a group the oldest event comes first, and events of the same
/// millisecond are in order of arrival.
pub fn session_groups(events: &[ReceivedEvent]) -> Vec<SessionGroup> {
    let mut in_order: Vec<&ReceivedEvent> = events.iter().rev().collect();
    in_order.sort_by_key(|event| event.time_ms);
    let mut groups: Vec<SessionGroup> = Vec::new();
    let mut open: HashMap<i64, usize> = HashMap::new();
    for event in in_order {
        match event.session.and_then(|session| open.get(&session)) {
            Some(&group) => groups[group].events.push(event.clone()),
            None => {
                if let Some(session) = event.session {
                    open.insert(session, groups.len());
                }
                groups.push(SessionGroup {
                    session: event.session,
                    events: vec![event.clone()],
                });
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.events.last().map(|event| event.time_ms)));
    groups
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn export(name: &str, time: &str, session: i64) -> Value {
        json!({"event_type": name, "event_time": time, "session_id": session, "user_id": "u-1", "device_id": "d-1"})
    }

    #[test]
    fn events_are_grouped_by_session_and_other_events_are_single() {
        let events: Vec<ReceivedEvent> = [
            ("D", "2026-11-18 13:00:00.000000", 200),
            ("renewal", "2026-11-18 12:00:00.000000", -1),
            ("C", "2026-11-18 11:30:00.000000", 100),
            ("second of its ms", "2026-11-18 11:00:00.000000", 100),
            ("first of its ms", "2026-11-18 11:00:00.000000", 100),
        ]
        .iter()
        .filter_map(|(name, time, session)| ReceivedEvent::from_export(export(name, time, *session)))
        .collect();
        let groups = session_groups(&events);
        let listed: Vec<(Option<i64>, Vec<&str>)> = groups
            .iter()
            .map(|group| {
                (
                    group.session,
                    group.events.iter().map(|event| event.name.as_str()).collect(),
                )
            })
            .collect();
        assert_eq!(
            listed,
            [
                (Some(200), vec!["D"]),
                (None, vec!["renewal"]),
                (Some(100), vec!["first of its ms", "second of its ms", "C"]),
            ]
        );
        assert_eq!(groups[2].duration_ms(), 1_800_000);
        assert_eq!(groups[2].entry(), Some("first of its ms"));
    }
}
