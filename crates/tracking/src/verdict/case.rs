//! A story laid out for the rules: in order, by session, by device.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Facts;
use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};
use crate::server::{Presence, presence};
use crate::session::TIMEOUT_MS;

/// How far a browser's clock may be off without anybody correcting it, in ms: below a second the page leaves it alone.
pub(super) const CLOCK_SLACK_MS: i64 = 1_000;

/// Events and facts, ready to be looked things up in.
pub(super) struct Case<'a> {
    /// Oldest first; of one moment, by ID.
    pub(super) events: Vec<&'a ReceivedEvent>,
    pub(super) facts: &'a Facts,
    /// Events by session, oldest first.
    pub(super) sessions: BTreeMap<i64, Vec<&'a ReceivedEvent>>,
    /// Events by insert ID, oldest first.
    pub(super) by_insert_id: HashMap<&'a str, Vec<&'a ReceivedEvent>>,
    /// Devices that some event claims as its browser.
    browsers: BTreeSet<&'a str>,
    /// Device and session where the SDK ran, by the facts or by what an event says.
    scripted: BTreeSet<(&'a str, i64)>,
}

impl<'a> Case<'a> {
    pub(super) fn new(events: &'a [ReceivedEvent], facts: &'a Facts) -> Self {
        let mut ordered: Vec<&ReceivedEvent> = events.iter().collect();
        ordered.sort_by(|one, other| {
            let place = |event: &'a ReceivedEvent| (event.time_ms, &event.uuid, &event.insert_id);
            place(one).cmp(&place(other))
        });
        let mut sessions: BTreeMap<i64, Vec<&ReceivedEvent>> = BTreeMap::new();
        let mut by_insert_id: HashMap<&str, Vec<&ReceivedEvent>> = HashMap::new();
        let mut browsers = BTreeSet::new();
        let mut scripted: BTreeSet<(&str, i64)> = BTreeSet::new();
        for &event in &ordered {
            if let Some(session) = event.session {
                sessions.entry(session).or_default().push(event);
            }
            if let Some(insert_id) = &event.insert_id {
                by_insert_id.entry(insert_id).or_default().push(event);
            }
            let Some(device) = event.device.as_deref().filter(|_| !event.derived_device) else {
                continue;
            };
            let claims = event.source == Source::Browser || event.stitched_by.is_some_and(knows_device);
            if claims {
                browsers.insert(device);
            }
            let ran = event.source == Source::Browser || event.stitched_by == Some(StitchedBy::SdkCookie);
            if let Some(session) = event.session.filter(|_| ran) {
                scripted.insert((device, session));
            }
        }
        let reported = facts.scripted.iter();
        scripted.extend(reported.map(|seen| (seen.device.as_str(), seen.session.ms())));
        Self {
            events: ordered,
            facts,
            sessions,
            by_insert_id,
            browsers,
            scripted,
        }
    }

    /// The browser's events.
    pub(super) fn of_browser(&self) -> impl Iterator<Item = &'a ReceivedEvent> {
        self.events
            .iter()
            .copied()
            .filter(|event| event.source == Source::Browser)
    }

    /// The server's events that somebody brought about.
    pub(super) fn present(&self) -> impl Iterator<Item = &'a ReceivedEvent> {
        self.of_server(Presence::Present)
    }

    /// The server's events that happened by themselves.
    pub(super) fn system(&self) -> impl Iterator<Item = &'a ReceivedEvent> {
        self.of_server(Presence::System)
    }

    fn of_server(&self, wanted: Presence) -> impl Iterator<Item = &'a ReceivedEvent> {
        let sent = self
            .events
            .iter()
            .copied()
            .filter(|event| event.source != Source::Browser);
        sent.filter(move |event| presence(&event.name) == Some(wanted))
    }

    /// The device that an event was sent with. One that Amplitude made up from the user ID is Amplitude's: the stand-in
    /// says so; elsewhere it is one that no browser has.
    pub(super) fn own_device(&self, event: &'a ReceivedEvent) -> Option<&'a str> {
        let told = event.raw.get("local").is_some();
        event
            .device
            .as_deref()
            .filter(|device| !event.derived_device && (told || self.browsers.contains(device)))
    }

    /// Whether the SDK ran in a session of a device.
    pub(super) fn sdk_ran(&self, device: &str, session: i64) -> bool {
        self.scripted.contains(&(device, session))
    }

    /// The session in which this device's browser was at that moment: between its first event and the timeout after its
    /// last.
    pub(super) fn browser_session_at(&self, device: &str, moment_ms: i64) -> Option<i64> {
        self.sessions.iter().find_map(|(&session, events)| {
            let of_device = || {
                events
                    .iter()
                    .filter(|event| {
                        event.source == Source::Browser && event.device.as_deref() == Some(device)
                    })
                    .map(|event| event.time_ms)
            };
            let (first, last) = (of_device().min()?, of_device().max()?);
            (first..=last.saturating_add(TIMEOUT_MS))
                .contains(&moment_ms)
                .then_some(session)
        })
    }

    /// Whether something from before the events that were read could be missed here.
    pub(super) fn cut_off(&self) -> bool {
        self.facts.read_from_ms.is_some()
    }
}

/// Whether an event that was stitched so has a device of a browser.
fn knows_device(by: StitchedBy) -> bool {
    !matches!(by, StitchedBy::NoneKnown | StitchedBy::NoneByRule)
}

/// Whether an event that was stitched so has both a device and a session.
pub(super) fn is_live(by: StitchedBy) -> bool {
    knows_device(by) && by != StitchedBy::StaleHandoff
}
