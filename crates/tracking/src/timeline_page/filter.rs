//! The filter of the timeline, which is kept in the page's URL.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::received::{ReceivedEvent, Source};

/// A filter on a timeline's events. An empty filter matches all events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// Events with this name.
    pub event: Option<String>,
    /// Events from this source.
    pub source: Option<Source>,
    /// Events of this session, or events out of session.
    pub session: Option<SessionFilter>,
    /// Events of this device.
    pub device: Option<String>,
}

/// A filter on an event's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SessionFilter {
    /// Events of the session with this ID.
    Id(i64),
    /// Events without a session.
    OutOfSession,
}

/// Maximum length of a filter's text, in bytes. Names and device IDs are shorter.
const MAX_LEN: usize = 200;

impl Filter {
    /// The names of the URL parameters.
    pub const KEYS: [&str; 4] = ["event", "source", "session", "device"];

    /// Parses the filter from URL parameters. Invalid values are ignored.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let given = |key: &str| {
            let text = get(key)?;
            let text = text.trim();
            (!text.is_empty() && text.len() <= MAX_LEN).then(|| text.to_owned())
        };
        Self {
            event: given("event"),
            source: given("source").as_deref().and_then(Source::parse),
            session: given("session").as_deref().and_then(SessionFilter::parse),
            device: given("device"),
        }
    }

    /// The URL parameters of this filter, in the order of [`Self::KEYS`].
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

    /// Whether it matches all events.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it matches this event.
    pub fn matches(&self, event: &ReceivedEvent) -> bool {
        self.event.as_ref().is_none_or(|name| *name == event.name)
            && self.source.is_none_or(|source| source == event.source)
            && (self.device.is_none() || self.device == event.device)
            && match self.session {
                None => true,
                Some(SessionFilter::Id(session)) => event.session == Some(session),
                Some(SessionFilter::OutOfSession) => event.session.is_none(),
            }
    }
}

impl SessionFilter {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::OutOfSession),
            text => text.parse().ok().filter(|&session| session > 0).map(Self::Id),
        }
    }
}

/// The session's ID, or `none`.
impl fmt::Display for SessionFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(session) => session.fmt(f),
            Self::OutOfSession => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_round_trips_through_the_url() {
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
                    session: Some(SessionFilter::Id(1_795_000_000_000)),
                    device: Some("d-1".into()),
                },
            ),
            (
                vec![("session", "none"), ("source", "stripe")],
                Filter {
                    source: Some(Source::Stripe),
                    session: Some(SessionFilter::OutOfSession),
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
        let invalid = Filter::read(|key| {
            Some(match key {
                "source" => "mars".into(),
                "session" => "-1".into(),
                "device" => "x".repeat(201),
                _ => "  ".into(),
            })
        });
        assert!(invalid.is_empty());
    }
}
