//! What session charts say of a story, as it is, and as it would be without the stitching. Pure.
//!
//! The measures are Amplitude's: sessions are counted by session ID, their length is from the first to the last event, and
//! what has no session is in none of them. The funnel holds the session constant: every step lies in the same one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::client::TrialCheckoutClicked;
use crate::received::{ReceivedEvent, Source};
use crate::server::{Fact, TrialStarted};

/// The two side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// As the events are.
    pub stitched: SessionMetrics,
    /// As they would be if the server sent its events with a user ID and nothing else.
    pub unstitched: SessionMetrics,
}

impl Comparison {
    /// Several people's as one. A device or a session that two of them have in common counts for each.
    pub fn of_all(comparisons: impl IntoIterator<Item = Self>) -> Self {
        comparisons.into_iter().fold(Self::default(), |all, one| Self {
            stitched: all.stitched.with(&one.stitched),
            unstitched: all.unstitched.with(&one.unstitched),
        })
    }
}

/// What session charts say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMetrics {
    /// Sessions.
    pub sessions: usize,
    /// Events that are in no session.
    pub out_of_session: usize,
    /// Devices, those that Amplitude makes up included.
    pub devices: usize,
    /// All sessions together, in ms.
    pub total_ms: i64,
    /// The longest, in ms.
    pub longest_ms: i64,
    /// Sessions in which the funnel's first steps were done in order: as many as did the first, the first two, all three.
    pub funnel: [usize; 3],
}

/// The steps of [`SessionMetrics::funnel`].
pub const FUNNEL: [&str; 3] = [PAGE_VIEWED, TrialCheckoutClicked::NAME, TrialStarted::NAME];

/// The SDK's name of a page view.
const PAGE_VIEWED: &str = "[Amplitude] Page Viewed";

impl SessionMetrics {
    /// The mean length of a session, in ms.
    pub fn average_ms(&self) -> i64 {
        i64::try_from(self.sessions).map_or(0, |sessions| self.total_ms / sessions.max(1))
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            sessions: self.sessions + other.sessions,
            out_of_session: self.out_of_session + other.out_of_session,
            devices: self.devices + other.devices,
            total_ms: self.total_ms + other.total_ms,
            longest_ms: self.longest_ms.max(other.longest_ms),
            funnel: std::array::from_fn(|step| self.funnel[step] + other.funnel[step]),
        }
    }

    fn of<'a>(events: impl Iterator<Item = Seen<'a>>) -> Self {
        let mut sessions: BTreeMap<i64, Vec<Seen<'a>>> = BTreeMap::new();
        let mut devices = BTreeSet::new();
        let mut metrics = Self::default();
        for seen in events {
            devices.insert(seen.device);
            match seen.session {
                Some(session) => sessions.entry(session).or_default().push(seen),
                None => metrics.out_of_session += 1,
            }
        }
        metrics.sessions = sessions.len();
        metrics.devices = devices.len();
        for events in sessions.values_mut() {
            events.sort_by_key(|seen| seen.time_ms);
            if let (Some(first), Some(last)) = (events.first(), events.last()) {
                let length = last.time_ms - first.time_ms;
                metrics.total_ms += length;
                metrics.longest_ms = metrics.longest_ms.max(length);
            }
            for done in 0..steps_done(events) {
                metrics.funnel[done] += 1;
            }
        }
        metrics
    }
}

/// What session charts see of an event.
#[derive(Clone, Copy)]
struct Seen<'a> {
    name: &'a str,
    time_ms: i64,
    session: Option<i64>,
    /// `None`: the one that Amplitude makes of the user ID.
    device: Option<&'a str>,
}

impl<'a> Seen<'a> {
    fn of(event: &'a ReceivedEvent) -> Self {
        Self {
            name: &event.name,
            time_ms: event.time_ms,
            session: event.session,
            device: event.device.as_deref().filter(|_| !event.derived_device),
        }
    }

    /// A server event that was sent with a user ID and nothing else.
    fn of_unstitched(event: &'a ReceivedEvent) -> Self {
        match event.source {
            Source::Browser => Self::of(event),
            Source::Server | Source::Stripe => Self {
                session: None,
                device: None,
                ..Self::of(event)
            },
        }
    }
}

/// How many of the funnel's steps were done, one after another.
fn steps_done(events: &[Seen<'_>]) -> usize {
    let mut done = 0;
    for seen in events {
        if FUNNEL.get(done) == Some(&seen.name) {
            done += 1;
        }
    }
    done
}

/// Measures a story as it is and as it would be unstitched.
pub fn compare(events: &[ReceivedEvent]) -> Comparison {
    Comparison {
        stitched: SessionMetrics::of(events.iter().map(Seen::of)),
        unstitched: SessionMetrics::of(events.iter().map(Seen::of_unstitched)),
    }
}
