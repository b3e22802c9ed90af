//! Every device is a browser of this person.

use std::collections::BTreeMap;

use super::case::Case;
use super::{NotedHandoff, Report};
use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};

/// *Orphan*: events of a device that nothing ties to the person. *Phantom*: a device that only the server speaks of, in a
/// session that is another browser's or from a handoff that nobody noted; or one that Amplitude made up for an event that
/// says it knows its browser.
pub(super) fn no_stray_devices(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    let mut devices: BTreeMap<&str, Vec<&ReceivedEvent>> = BTreeMap::new();
    for &event in &case.events {
        if let Some(device) = case.own_device(event) {
            devices.entry(device).or_default().push(event);
        }
        let none_expected = matches!(
            event.stitched_by,
            Some(StitchedBy::NoneKnown | StitchedBy::NoneByRule)
        );
        if event.derived_device && !none_expected {
            report.broken(
                event,
                "Amplitude made its device up from the user ID: it was sent without one.",
            );
        }
    }
    let somebody = case.events.iter().any(|event| event.user.is_some());
    report.checked = devices.len();
    for (id, events) in devices {
        let first = events[0];
        let tied = events.iter().any(|event| event.user.is_some());
        let has_browser = events.iter().any(|event| event.source == Source::Browser);
        if somebody && !tied && !case.cut_off() {
            report.broken(first, format!("Nothing ties the device {id} to this person."));
        }
        if has_browser {
            continue;
        }
        // Of a system event's device its own rule speaks.
        let Some(told) = events
            .iter()
            .find(|event| event.stitched_by != Some(StitchedBy::NoneByRule))
        else {
            continue;
        };
        if other_browser_at(case, told) {
            let reason = format!("No browser has told of the device {id}; its session belongs to another.");
            report.broken(told, reason);
        } else if told.stitched_by == Some(StitchedBy::StaleHandoff) && !was_noted(case, id) {
            report.broken(
                told,
                format!("No browser and no handoff has told of the device {id}."),
            );
        }
    }
    report
}

/// Whether the browser's events in that session come from another device.
fn other_browser_at(case: &Case<'_>, event: &ReceivedEvent) -> bool {
    let session = event.session.and_then(|session| case.sessions.get(&session));
    session.is_some_and(|events| {
        events
            .iter()
            .any(|other| other.source == Source::Browser && other.device != event.device)
    })
}

/// Whether the device could be older than the events that were read, or stands in a handoff.
fn was_noted(case: &Case<'_>, id: &str) -> bool {
    let noted = |handoff: &NotedHandoff| {
        handoff
            .device
            .as_ref()
            .is_some_and(|device| device.as_str() == id)
    };
    case.cut_off() || case.facts.handoffs.iter().any(noted)
}
