//! The rule "no orphan or phantom devices".

use std::collections::BTreeMap;

use super::event_index::EventIndex;
use super::{NotedHandoff, RuleReport};
use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};

/// *Orphan*: a device without an event that has a user ID. *Phantom*: a device that only server events have, in a session
/// of another browser or from an unknown handoff; or a device ID that Amplitude derived for an event whose browser is known.
pub(super) fn no_stray_devices(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    let mut devices: BTreeMap<&str, Vec<&ReceivedEvent>> = BTreeMap::new();
    for &event in &index.events {
        if let Some(device) = index.own_device(event) {
            devices.entry(device).or_default().push(event);
        }
        let none_expected = matches!(
            event.stitched_by,
            Some(StitchedBy::NoneKnown | StitchedBy::NoneByRule)
        );
        if event.derived_device && !none_expected {
            report.broken(
                event,
                "This event was sent without a device, so Amplitude derived one from the user ID.",
            );
        }
    }
    let has_user = index.events.iter().any(|event| event.user.is_some());
    report.checked = devices.len();
    for (id, events) in devices {
        let first = events[0];
        let is_identified = events.iter().any(|event| event.user.is_some());
        let has_browser = events.iter().any(|event| event.source == Source::Browser);
        if has_user && !is_identified && !index.is_cut_off() {
            report.broken(first, format!("No event assigns device {id} to this user."));
        }
        if has_browser {
            continue;
        }
        // Another rule checks the devices of system events.
        let Some(event) = events
            .iter()
            .find(|event| event.stitched_by != Some(StitchedBy::NoneByRule))
        else {
            continue;
        };
        if has_other_browser(index, event) {
            let reason =
                format!("No browser sent events of device {id}; its session belongs to another device.");
            report.broken(event, reason);
        } else if event.stitched_by == Some(StitchedBy::StaleHandoff) && !may_be_known(index, id) {
            report.broken(
                event,
                format!("Neither a browser event nor a handoff has device {id}."),
            );
        }
    }
    report
}

/// Whether the session of this event has browser events of another device.
fn has_other_browser(index: &EventIndex<'_>, event: &ReceivedEvent) -> bool {
    let session = event.session.and_then(|session| index.sessions.get(&session));
    session.is_some_and(|events| {
        events
            .iter()
            .any(|other| other.source == Source::Browser && other.device != event.device)
    })
}

/// Whether a handoff has the device, or older events that were not read could have it.
fn may_be_known(index: &EventIndex<'_>, id: &str) -> bool {
    let has_device = |handoff: &NotedHandoff| {
        handoff
            .device
            .as_ref()
            .is_some_and(|device| device.as_str() == id)
    };
    index.is_cut_off() || index.facts.handoffs.iter().any(has_device)
}
