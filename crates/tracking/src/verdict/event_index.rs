//! The events of a timeline, sorted and indexed for the rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::TimelineFacts;
use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};
use crate::server::{ServerEventKind, server_event_kind};
use crate::session::TIMEOUT_MS;

/// Maximum offset of a browser's clock that is not corrected, in ms: the page corrects offsets of a second or more.
pub(super) const CLOCK_SLACK_MS: i64 = 1_000;

/// Events and facts with indexes.
pub(super) struct EventIndex<'a> {
    /// The oldest first; events of the same time by ID.
    pub(super) events: Vec<&'a ReceivedEvent>,
    pub(super) facts: &'a TimelineFacts,
    /// Events by session, the oldest first.
    pub(super) sessions: BTreeMap<i64, Vec<&'a ReceivedEvent>>,
    /// Events by insert ID, the oldest first.
    pub(super) by_insert_id: HashMap<&'a str, Vec<&'a ReceivedEvent>>,
    /// Devices that are known to be browsers.
    browsers: BTreeSet<&'a str>,
    /// Devices and sessions in which the SDK ran, from facts and events.
    sdk_sessions: BTreeSet<(&'a str, i64)>,
}

impl<'a> EventIndex<'a> {
    pub(super) fn new(events: &'a [ReceivedEvent], facts: &'a TimelineFacts) -> Self {
        let mut ordered: Vec<&ReceivedEvent> = events.iter().collect();
        ordered.sort_by(|one, other| {
            let place = |event: &'a ReceivedEvent| (event.time_ms, &event.uuid, &event.insert_id);
            place(one).cmp(&place(other))
        });
        let mut sessions: BTreeMap<i64, Vec<&ReceivedEvent>> = BTreeMap::new();
        let mut by_insert_id: HashMap<&str, Vec<&ReceivedEvent>> = HashMap::new();
        let mut browsers = BTreeSet::new();
        let mut sdk_sessions: BTreeSet<(&str, i64)> = BTreeSet::new();
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
            let is_browser = event.source == Source::Browser || event.stitched_by.is_some_and(knows_device);
            if is_browser {
                browsers.insert(device);
            }
            let sdk_ran = event.source == Source::Browser || event.stitched_by == Some(StitchedBy::SdkCookie);
            if let Some(session) = event.session.filter(|_| sdk_ran) {
                sdk_sessions.insert((device, session));
            }
        }
        let reported = facts.sdk_sessions.iter();
        sdk_sessions.extend(reported.map(|seen| (seen.device.as_str(), seen.session.ms())));
        Self {
            events: ordered,
            facts,
            sessions,
            by_insert_id,
            browsers,
            sdk_sessions,
        }
    }

    /// The events that the browser sent.
    pub(super) fn of_browser(&self) -> impl Iterator<Item = &'a ReceivedEvent> {
        self.events
            .iter()
            .copied()
            .filter(|event| event.source == Source::Browser)
    }

    /// The server's present events.
    pub(super) fn present(&self) -> impl Iterator<Item = &'a ReceivedEvent> {
        self.of_server(ServerEventKind::Present)
    }

    /// The server's system events.
    pub(super) fn system(&self) -> impl Iterator<Item = &'a ReceivedEvent> {
        self.of_server(ServerEventKind::System)
    }

    fn of_server(&self, wanted: ServerEventKind) -> impl Iterator<Item = &'a ReceivedEvent> {
        let sent = self
            .events
            .iter()
            .copied()
            .filter(|event| event.source != Source::Browser);
        sent.filter(move |event| server_event_kind(&event.name) == Some(wanted))
    }

    /// The device that an event was sent with; `None` if Amplitude derived the device ID from the user ID. The stand-in
    /// reports a derived ID. Amplitude does not, so there an ID is derived if no browser has it.
    pub(super) fn own_device(&self, event: &'a ReceivedEvent) -> Option<&'a str> {
        let is_stand_in = event.raw.get("local").is_some();
        event
            .device
            .as_deref()
            .filter(|device| !event.derived_device && (is_stand_in || self.browsers.contains(device)))
    }

    /// Whether the SDK ran in a session of a device.
    pub(super) fn sdk_ran(&self, device: &str, session: i64) -> bool {
        self.sdk_sessions.contains(&(device, session))
    }

    /// The session in which this device's browser was at `at_ms`: from its first event to the timeout after its last.
    pub(super) fn browser_session_at(&self, device: &str, at_ms: i64) -> Option<i64> {
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
                .contains(&at_ms)
                .then_some(session)
        })
    }

    /// Whether older events exist that were not read.
    pub(super) fn is_cut_off(&self) -> bool {
        self.facts.read_from_ms.is_some()
    }
}

/// Whether an event with this `stitched_by` has the device of a browser.
fn knows_device(by: StitchedBy) -> bool {
    !matches!(by, StitchedBy::NoneKnown | StitchedBy::NoneByRule)
}

/// Whether an event with this `stitched_by` has both device and session.
pub(super) fn knows_session(by: StitchedBy) -> bool {
    knows_device(by) && by != StitchedBy::StaleHandoff
}
