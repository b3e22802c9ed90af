//! Session metrics of a timeline, with the stitching and without it. Pure.
//!
//! The definitions are Amplitude's: sessions are counted by session ID, their length is the time from the first to the last
//! event, and events out of session are not counted. The funnel requires all steps in the same session.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::client::TrialCheckoutClicked;
use crate::received::{ReceivedEvent, Source};
use crate::server::{EventPayload, TrialStarted};

/// Session metrics with and without the stitching.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StitchingComparison {
    /// Metrics of the events.
    pub stitched: SessionMetrics,
    /// Metrics of the events if server events had a user ID, but no device and session.
    pub unstitched: SessionMetrics,
}

impl StitchingComparison {
    /// The sum over several users. A device or session that two users share is counted twice.
    pub fn of_all(comparisons: impl IntoIterator<Item = Self>) -> Self {
        comparisons.into_iter().fold(Self::default(), |all, one| Self {
            stitched: all.stitched.with(&one.stitched),
            unstitched: all.unstitched.with(&one.unstitched),
        })
    }
}

/// The metrics of session charts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMetrics {
    /// Number of sessions.
    pub sessions: usize,
    /// Number of events out of session.
    pub out_of_session: usize,
    /// Number of devices, including those that Amplitude derives from user IDs.
    pub devices: usize,
    /// Total length of all sessions, in ms.
    pub total_ms: i64,
    /// Length of the longest session, in ms.
    pub longest_ms: i64,
    /// Number of sessions that completed the first step, the first two steps, and all three steps, in order.
    pub funnel: [usize; 3],
}

/// The steps of [`SessionMetrics::funnel`].
pub const FUNNEL: [&str; 3] = [PAGE_VIEWED, TrialCheckoutClicked::NAME, TrialStarted::NAME];

/// The SDK's name of a page view.
const PAGE_VIEWED: &str = "[Amplitude] Page Viewed";

impl SessionMetrics {
    /// Average length of a session, in ms; 0 without sessions.
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

    fn of<'a>(events: impl Iterator<Item = MeasuredEvent<'a>>) -> Self {
        let mut sessions: BTreeMap<i64, Vec<MeasuredEvent<'a>>> = BTreeMap::new();
        let mut devices = BTreeSet::new();
        let mut metrics = Self::default();
        for event in events {
            devices.insert(event.device);
            match event.session {
                Some(session) => sessions.entry(session).or_default().push(event),
                None => metrics.out_of_session += 1,
            }
        }
        metrics.sessions = sessions.len();
        metrics.devices = devices.len();
        for events in sessions.values_mut() {
            events.sort_by_key(|event| event.time_ms);
            if let (Some(first), Some(last)) = (events.first(), events.last()) {
                let length = last.time_ms - first.time_ms;
                metrics.total_ms += length;
                metrics.longest_ms = metrics.longest_ms.max(length);
            }
            for step in 0..steps_done(events) {
                metrics.funnel[step] += 1;
            }
        }
        metrics
    }
}

/// The part of an event that the metrics use.
#[derive(Clone, Copy)]
struct MeasuredEvent<'a> {
    name: &'a str,
    time_ms: i64,
    session: Option<i64>,
    /// `None`: the device ID that Amplitude derives from the user ID.
    device: Option<&'a str>,
}

impl<'a> MeasuredEvent<'a> {
    fn of(event: &'a ReceivedEvent) -> Self {
        Self {
            name: &event.name,
            time_ms: event.time_ms,
            session: event.session,
            device: event.device.as_deref().filter(|_| !event.derived_device),
        }
    }

    /// The event, without device and session if the server sent it.
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

/// Number of the funnel's steps that were completed in order.
fn steps_done(events: &[MeasuredEvent<'_>]) -> usize {
    let mut done = 0;
    for event in events {
        if FUNNEL.get(done) == Some(&event.name) {
            done += 1;
        }
    }
    done
}

/// Computes the metrics of a timeline with and without the stitching. The order of `events` does not matter.
pub fn compare(events: &[ReceivedEvent]) -> StitchingComparison {
    StitchingComparison {
        stitched: SessionMetrics::of(events.iter().map(MeasuredEvent::of)),
        unstitched: SessionMetrics::of(events.iter().map(MeasuredEvent::of_unstitched)),
    }
}
